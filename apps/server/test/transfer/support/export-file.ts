import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type ExportHeader, exportLine } from '../../../src/transfer/format.ts'
import { readSections } from '../../../src/transfer/read-sections.ts'

export interface ExportFile {
  header: ExportHeader
  /** The lines of rows, except the audit entries of exports and imports. */
  rows: string[]
}

/** Reads a whole export and verifies its checksums. */
export async function readExport(file: string): Promise<ExportFile> {
  for await (const _section of readSections(createReadStream(file))) {
    // Reading verifies the checksums.
  }
  const [first = '', ...lines] = (await readFile(file, 'utf8')).trimEnd().split('\n')
  const header = exportLine.parse(JSON.parse(first))
  if (header.type !== 'header') throw new Error('the first line is not the header')
  return { header, rows: lines.filter((line) => line.startsWith('{"type":"row"') && !isTransferAudit(line)) }
}

function isTransferAudit(line: string): boolean {
  return line.includes('"table":"audit"') && line.includes('"action":"installation.')
}
