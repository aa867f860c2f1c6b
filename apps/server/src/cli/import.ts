import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { App } from '../app/app.ts'
import { readConfig } from '../settings/config.ts'
import { importInstallation } from '../transfer/import-installation.ts'
import { CommandError } from './command-error.ts'
import type { Io } from './io.ts'
import { openAppForImport } from './open-app.ts'
import { showProgress } from './progress.ts'

/** The tables with columns that are encrypted with SOTTO_SECRET. */
const encryptedTables = ['second_factors', 'webhooks']

/** `sotto import`: reads a file or standard input into an empty database. */
export async function importAll(io: Io, file: string): Promise<void> {
  await using opened = await openAppForImport(readConfig(io.env))
  const startedAt = performance.now()
  const { header, rows, resumedAfter } = await importFrom(io, opened.app, file)
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  const earlier = resumedAfter > 0 ? `, ${resumedAfter.toLocaleString('en')} of them by an earlier run` : ''
  io.stdout.write(`Imported ${rows.toLocaleString('en')} rows in ${seconds} s${earlier}.\n`)
  if (header.tables.some(({ name, rows }) => encryptedTables.includes(name) && rows > 0)) {
    io.stdout.write(
      'Two-factor authentication and webhooks need the SOTTO_SECRET of the exported installation.\n',
    )
  }
}

type Imported = Awaited<ReturnType<typeof importInstallation>>

async function importFrom(io: Io, app: App, file: string): Promise<Imported> {
  const progress = showProgress(io.stderr, 'rows')
  const read = (source: AsyncIterable<Buffer>) => importInstallation(app, source, progress.update)
  const input: Readable = file === '-' ? io.stdin : createReadStream(file)
  try {
    return await (file.endsWith('.gz') ? pipeline(input, createGunzip(), read) : pipeline(input, read))
  } catch (error) {
    throw fileError(file, error) ?? error
  } finally {
    progress.end()
  }
}

function fileError(file: string, error: unknown): CommandError | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  if (String(error.code).startsWith('Z_')) {
    return new CommandError(`cannot decompress ${file}, it is truncated or damaged: ${error.message}`, {
      cause: error,
    })
  }
  const isFileError = 'syscall' in error && ('path' in error || error.syscall === 'read')
  return isFileError ? new CommandError(`cannot read ${file}: ${error.message}`, { cause: error }) : undefined
}
