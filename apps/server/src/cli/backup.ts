import { stat } from 'node:fs/promises'
import { copySqlite, parseDatabaseUrl } from '@sotto/db'
import { auditOriginOf, recordAudit } from '../audit/record-audit.ts'
import { readConfig } from '../settings/config.ts'
import { CommandError } from './command-error.ts'
import type { Io } from './io.ts'
import { writeNewFile } from './new-file.ts'
import { openApp, requireDatabase } from './open-app.ts'

const MEGABYTE = 1_000_000

/** `sotto backup`: copies a SQLite database, even while a server is writing to it. */
export async function backup(io: Io, file: string): Promise<void> {
  const config = readConfig(io.env)
  if (parseDatabaseUrl(config.databaseUrl).kind === 'postgres') {
    throw new CommandError(
      'sotto backup only supports SQLite: use pg_dump or pg_basebackup for PostgreSQL, see docs/operations.md',
    )
  }
  requireDatabase(config)
  await using opened = await openApp(config)
  const { app } = opened
  await app.db
    .transaction()
    .execute((trx) =>
      recordAudit(trx, auditOriginOf('command', app), { action: 'installation.backed_up', subjectId: null }),
    )
  await writeNewFile(file, (draft) => copySqlite(app, draft))
  const { size } = await stat(file)
  io.stdout.write(`Backed up and verified: ${(size / MEGABYTE).toFixed(1)} MB.\n`)
}
