import { errorCatalogue, SottoError } from '@sotto/contract'
import { DatabaseOpenError, isUnavailable } from '@sotto/db'
import { ConfigError } from '../settings/config-error.ts'
import { TransferError } from '../transfer/transfer-error.ts'
import { CommandError } from './command-error.ts'

/** The errors whose messages are written for operators. */
const operatorErrors = [CommandError, ConfigError, DatabaseOpenError, TransferError]

/** Describes a failure in one line for operators. */
export function describeFailure(error: unknown): string {
  if (operatorErrors.some((kind) => error instanceof kind)) {
    return firstLine((error as Error).message)
  }
  if (error instanceof SottoError) return firstLine(error.message || errorCatalogue[error.code].title)
  const message = firstLine(error instanceof Error ? error.message : String(error))
  return isUnavailable(error) ? `the database is not available: ${message}` : `unexpected failure: ${message}`
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}
