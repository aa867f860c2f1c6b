import type { Writable } from 'node:stream'
import type { SottoError } from '@sotto/contract'
import { type Logger, pino } from 'pino'

/** The part of telemetry that logging uses. */
interface LogTelemetry {
  readonly tracing: { active(): { readonly logFields: object | undefined } }
  /** Undefined if logs are not sent. */
  readonly logRecords: { write(line: string): void } | undefined
}

/**
 * Logs to standard output, or to the given stream, one line of JSON per record. Message texts, passwords and tokens
 * must never be logged.
 *
 * With telemetry, lines logged during a call include its trace id, and all lines are also exported.
 */
export function createLogger(level: string, telemetry?: LogTelemetry, stream?: Writable): Logger {
  const stdout = stream ?? pino.destination(1)
  if (!telemetry) return pino({ level, base: null }, stdout)
  const { tracing, logRecords } = telemetry
  const options = { level, base: null, mixin: () => ({ ...tracing.active().logFields }) }
  const both = {
    write(line: string) {
      stdout.write(line)
      logRecords?.write(line)
    },
  }
  return pino(options, logRecords ? both : stdout)
}

/** Logs failures of the server or its database. Errors of the caller are not logged. */
export function logFailure(log: Pick<Logger, 'error' | 'warn'>, error: SottoError, requestId: string): void {
  if (error.code === 'INTERNAL') log.error({ requestId, err: error.cause }, 'request failed')
  if (error.code === 'UNAVAILABLE') log.warn({ requestId, err: error.cause }, 'database not available')
}

/** Logs into an array, for tests. */
export function memoryLogger(lines: string[]): Logger {
  return pino({ level: 'info', base: null }, { write: (line: string) => void lines.push(line) })
}
