import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { readSnapshot } from '@sotto/db'
import type { App } from '../app/app.ts'
import { auditOriginOf, recordAudit } from '../audit/record-audit.ts'
import { readVersion } from '../lib/version.ts'
import { readConfig } from '../settings/config.ts'
import { exportInstallation } from '../transfer/export-installation.ts'
import type { Io } from './io.ts'
import { writeNewFile } from './new-file.ts'
import { openAppDirectly } from './open-app.ts'
import { showProgress } from './progress.ts'

/** `sotto export`: writes to a file, which gets its final name once it is complete, or to standard output. */
export async function exportAll(io: Io, output: string): Promise<void> {
  await using opened = await openAppDirectly(readConfig(io.env))
  const { app } = opened
  const startedAt = performance.now()
  const rows = output === '-' ? await writeToStandardOutput(io, app) : await writeFile(io, app, output)
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  io.stderr.write(`Exported ${rows.toLocaleString('en')} rows in ${seconds} s.\n`)
}

async function writeToStandardOutput(io: Io, app: App): Promise<number> {
  return exportTo(io, app, (sections) => pipeline(sections, io.stdout, { end: false }))
}

async function writeFile(io: Io, app: App, file: string): Promise<number> {
  let rows = 0
  await writeNewFile(file, async (draft) => {
    rows = await exportTo(io, app, (sections) => {
      const target = createWriteStream(draft)
      return file.endsWith('.gz') ? pipeline(sections, createGzip(), target) : pipeline(sections, target)
    })
  })
  return rows
}

/** @returns the number of rows written. */
async function exportTo(io: Io, app: App, write: (sections: Readable) => Promise<void>): Promise<number> {
  const id = app.newId()
  await app.db
    .transaction()
    .execute((trx) =>
      recordAudit(trx, auditOriginOf('command', app), { action: 'installation.exported', subjectId: id }),
    )
  const progress = showProgress(io.stderr, 'rows')
  let rows = 0
  try {
    await readSnapshot(app.db, (snapshot) => {
      const identity = { id, at: app.now(), version: readVersion() }
      const sections = exportInstallation(snapshot, identity, (done, total) => {
        rows = done
        progress.update(done, total)
      })
      // Reads one section ahead while writing.
      return write(Readable.from(sections, { highWaterMark: 1 }))
    })
  } finally {
    progress.end()
  }
  return rows
}
