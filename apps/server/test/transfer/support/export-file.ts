import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type ExportHeader, exportLine } from '../../../src/transfer/format.ts'
import { readSections } from '../../../src/transfer/read-sections.ts'

export interface ExportFile {
  header: ExportHeader
  /** The lines of rows as they are, besides what the audit says of exports and imports. */
  rows: string[]
}

/** Reads an export as a whole, and has its checksums checked. */
export async function readExport(file: string): Promise<ExportFile> {
  for await (const _section of readSections(createReadStream(file))) {
    // Throws where something is wrong.
  }
  const [first = '', ...lines] = (await readFile(file, 'utf8')).trimEnd().split('\n')
  const header = exportLine.parse(JSON.parse(first))
  if (header.type !== 'header') throw new Error('the first line is no header')
  return { header, rows: lines.filter((line) => line.startsWith('{"type":"row"') && !isOfTransfers(line)) }
}

function isOfTransfers(line: string): boolean {
  return line.includes('"table":"audit"') && line.includes('"action":"installation.')
}
