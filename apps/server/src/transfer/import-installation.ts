import {
  advanceImport,
  beginImport,
  countOtherSessions,
  describeTransfer,
  type Executor,
  endImport,
  findFilledTable,
  findImport,
  type ImportProgress,
  importRows,
  isUniqueViolation,
  refreshStatistics,
  schemaName,
  setLastNumber,
  store,
  type TransferTable,
} from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import { auditOriginOf, recordAudit } from '../audit/record-audit.ts'
import { type ExportHeader, type ExportRow, FORMAT_VERSION } from './format.ts'
import { readSections, type Section } from './read-sections.ts'
import { TransferError } from './transfer-error.ts'

/**
 * Imports an export into an empty database, one section per transaction. The progress is stored in the same
 * transaction, so an interrupted import can resume with the same export, without gaps or duplicates.
 *
 * Starts a new epoch of the event log: clients that resume with a cursor of the exported installation receive a
 * resync.
 *
 * @param onProgress called with the number of rows imported so far
 * @returns the number of rows, and how many of them an earlier run had imported.
 * @throws {TransferError} if the database is not empty or in use, the schema differs, or the export is damaged.
 */
export async function importInstallation(
  app: Pick<Runtime, 'db' | 'now' | 'newId'>,
  source: AsyncIterable<Buffer>,
  onProgress: (rows: number, total: number) => void,
): Promise<{ header: ExportHeader; rows: number; resumedAfter: number }> {
  const tables = await describeTransfer(app.db)
  let job: ImportJob | undefined
  for await (const section of readSections(source)) {
    const rows = rowsOf(section, job === undefined)
    job ??= await startJob(app, tables, headerOf(section))
    job.count(rows)
    if (section.end > job.progress.lines) await job.write(rows, section.end)
    else job.resumedAfter += rows.length
    onProgress(job.rows, job.total)
  }
  // For the compiler: readSections rejects an empty file.
  if (!job) throw new TransferError('the export is empty')
  await job.end()
  return { header: job.header, rows: job.rows, resumedAfter: job.resumedAfter }
}

function headerOf({ lines: [first] }: Section): ExportHeader {
  if (first?.type === 'header') return first
  throw new TransferError('the file is not a Sotto export')
}

function rowsOf({ lines, end }: Section, isFirst: boolean): ExportRow[] {
  return lines.flatMap((line, index) => {
    if (line.type === 'row') return [line]
    if (isFirst && index === 0) return []
    throw new TransferError(`line ${end - lines.length + index} is damaged: expected a row`)
  })
}

type Parts = Pick<Runtime, 'db' | 'now' | 'newId'>

/** @throws {TransferError} if this export cannot be imported into this database. */
async function startJob(
  app: Parts,
  tables: readonly TransferTable[],
  header: ExportHeader,
): Promise<ImportJob> {
  requireSameSchema(tables, header)
  const earlier = await findImport(app.db)
  if (earlier && earlier.exportId !== header.id) {
    throw new TransferError(
      `the database contains part of another export, ${earlier.exportId}: finish that import, or start with an empty database`,
    )
  }
  if ((await countOtherSessions(app.db)) > 0) {
    throw new TransferError('a Sotto server or command is connected to the database: stop it first')
  }
  if (!earlier) await recordStart(app, tables, header)
  return new ImportJob(app, tables, header, earlier ?? { exportId: header.id, lines: 0 })
}

async function recordStart(
  { db, now }: Parts,
  tables: readonly TransferTable[],
  { id }: ExportHeader,
): Promise<void> {
  await db
    .transaction()
    .execute(async (trx) => {
      const filled = await findFilledTable(trx, tables)
      if (filled) {
        throw new TransferError(`the database must be empty: it has rows in ${filled}`)
      }
      await beginImport(trx, id, now())
    })
    .catch((error: unknown) => {
      throw isUniqueViolation(error) ? concurrentImport() : error
    })
}

function requireSameSchema(
  tables: readonly TransferTable[],
  { formatVersion, ...header }: ExportHeader,
): void {
  const isSame =
    formatVersion === FORMAT_VERSION &&
    header.schema === schemaName() &&
    shapeOf(tables) === shapeOf(header.tables)
  if (isSame) return
  throw new TransferError(
    `the export was written by Sotto ${header.version} with schema ${header.schema}, this version has ${schemaName()}: import it with that version, then upgrade`,
  )
}

/** Independent of the order of tables and columns. */
function shapeOf(tables: readonly { name: string; columns: readonly string[] }[]): string {
  return JSON.stringify(tables.map(({ name, columns }) => [name, columns.toSorted()]).toSorted())
}

function concurrentImport(): TransferError {
  return new TransferError('another import into this database is in progress')
}

function requireColumns({ name, columns }: TransferTable, row: ExportRow['row']): void {
  const isSame = Object.keys(row).length === columns.length && columns.every((column) => column in row)
  if (!isSame) throw new TransferError(`a row of ${name} does not match the columns of the table`)
}

class ImportJob {
  readonly header: ExportHeader
  readonly total: number
  /** The number of rows that an earlier run had imported. */
  resumedAfter = 0
  readonly #app: Parts
  readonly #tables: ReadonlyMap<string, TransferTable>
  readonly #counts = new Map<string, number>()
  #progress: ImportProgress

  constructor(app: Parts, tables: readonly TransferTable[], header: ExportHeader, progress: ImportProgress) {
    this.#app = app
    this.#tables = new Map(tables.map((table) => [table.name, table]))
    this.#progress = progress
    this.header = header
    this.total = header.tables.reduce((sum, { rows }) => sum + rows, 0)
  }

  get progress(): ImportProgress {
    return this.#progress
  }

  get rows(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  count(rows: readonly ExportRow[]): void {
    for (const { table } of rows) this.#counts.set(table, (this.#counts.get(table) ?? 0) + 1)
  }

  async write(rows: readonly ExportRow[], end: number): Promise<void> {
    const before = this.#progress
    await this.#app.db.transaction().execute(async (trx) => {
      if (!(await advanceImport(trx, before, end))) throw concurrentImport()
      for (const [name, rowsOfTable] of Map.groupBy(rows, (row) => row.table)) {
        const table = this.#tableOf(name)
        for (const { row } of rowsOfTable) requireColumns(table, row)
        await importRows(
          trx,
          table,
          rowsOfTable.map(({ row }) => row),
        )
      }
    })
    this.#progress = { ...before, lines: end }
  }

  async end(): Promise<void> {
    for (const { name, rows } of this.header.tables) {
      const found = this.#counts.get(name) ?? 0
      if (found === rows) continue
      throw new TransferError(`the export has ${found} rows of ${name}, expected ${rows}`)
    }
    const { db } = this.#app
    await db.transaction().execute(async (trx) => {
      await this.#restoreSequences(trx)
      await store.eventLog.renewEpoch(trx)
      await recordAudit(trx, auditOriginOf('command', this.#app), {
        action: 'installation.imported',
        subjectId: this.header.id,
      })
      if (!(await endImport(trx, this.#progress))) throw concurrentImport()
    })
    await refreshStatistics(db)
  }

  async #restoreSequences(trx: Executor): Promise<void> {
    for (const { name, lastNumber } of this.header.tables) {
      const { numbered } = this.#tableOf(name)
      if (numbered && lastNumber !== undefined) await setLastNumber(trx, name, numbered, lastNumber)
    }
  }

  #tableOf(name: string): TransferTable {
    const table = this.#tables.get(name)
    if (!table) throw new TransferError(`the export has rows of an unknown table: ${name}`)
    return table
  }
}
