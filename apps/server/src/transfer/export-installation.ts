import { createHash } from 'node:crypto'
import {
  countRows,
  describeTransfer,
  type Executor,
  readLastNumber,
  readRows,
  schemaName,
  type TransferTable,
} from '@sotto/db'
import {
  type ExportFileLine,
  type ExportHeader,
  FORMAT,
  FORMAT_VERSION,
  SECTION_LENGTH,
  SECTION_LINES,
} from './format.ts'

interface ExportIdentity {
  id: string
  at: Date
  /** The version of Sotto. */
  version: string
}

/**
 * Exports all data of an installation, one section at a time. Each section is read on demand, so at most one is in
 * memory.
 *
 * @param snapshot a consistent snapshot of the database
 * @param onProgress called with the number of rows exported so far
 */
export async function* exportInstallation(
  snapshot: Executor,
  identity: ExportIdentity,
  onProgress: (rows: number, total: number) => void,
): AsyncGenerator<string> {
  const tables = await describeTransfer(snapshot)
  const header = await headerOf(snapshot, tables, identity)
  const total = header.tables.reduce((sum, table) => sum + table.rows, 0)
  const sections = new SectionWriter()
  sections.add(header)
  let written = 0
  for (const table of tables) {
    for await (const rows of readRows(snapshot, table)) {
      // Row by row, so that the size of a section does not depend on the size of the database's batches.
      for (const row of rows) {
        sections.add({ type: 'row', table: table.name, row })
        if (sections.isFull) yield sections.take('checksum')
      }
      written += rows.length
      onProgress(written, total)
    }
  }
  yield sections.take('end')
}

async function headerOf(
  snapshot: Executor,
  tables: readonly TransferTable[],
  { id, at, version }: ExportIdentity,
): Promise<ExportHeader> {
  const described: ExportHeader['tables'] = []
  for (const table of tables) {
    const { name, columns, numbered } = table
    described.push({
      name,
      columns: [...columns],
      rows: await countRows(snapshot, table),
      ...(numbered && { lastNumber: await readLastNumber(snapshot, name, numbered) }),
    })
  }
  return {
    type: 'header',
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    id,
    exportedAt: at.toISOString(),
    version,
    schema: schemaName(),
    tables: described,
  }
}

/** `row` is as read from the database. Serializing it turns Dates into strings. */
type Line = Exclude<ExportFileLine, { type: 'row' }> | { type: 'row'; table: string; row: object }

class SectionWriter {
  readonly #hash = createHash('sha256')
  #text = ''
  #lines = 0
  #linesBefore = 0

  add(line: Line): void {
    this.#text += `${JSON.stringify(line)}\n`
    this.#lines++
  }

  get isFull(): boolean {
    return this.#lines >= SECTION_LINES || this.#text.length >= SECTION_LENGTH
  }

  /** Returns the section with its checksum line and starts the next one. */
  take(type: 'checksum' | 'end'): string {
    const text = this.#text
    this.#hash.update(text)
    const lines = this.#linesBefore + this.#lines
    const closing = `${JSON.stringify({ type, lines, sha256: this.#hash.copy().digest('hex') })}\n`
    this.#hash.update(closing)
    this.#text = ''
    this.#lines = 0
    this.#linesBefore = lines + 1
    return text + closing
  }
}
