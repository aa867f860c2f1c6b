import { createHash } from 'node:crypto'
import { type ExportFileLine, exportLine, SECTION_LINES } from './format.ts'
import { TransferError } from './transfer-error.ts'

/** What lies between two checksums, which it agrees with. */
export interface Section {
  lines: ExportFileLine[]
  /** How many lines of the file end with it. */
  end: number
  isLast: boolean
}

/** In bytes. Far above what a row may hold: what is longer is another file. */
const MAX_LINE = 64 * 1_024 * 1_024
const LINE_FEED = 0x0a

/**
 * Reads an export, checked, a section at a time.
 *
 * @throws {TransferError} that says which lines are damaged, or that the file was cut short.
 */
export async function* readSections(source: AsyncIterable<Buffer>): AsyncGenerator<Section> {
  const hash = createHash('sha256')
  let lines: ExportFileLine[] = []
  let begin = 0
  let end = 0
  let isOver = false
  for await (const bytes of readLines(source)) {
    if (isOver) throw new TransferError(`line ${end + 1} follows the end of the export`)
    const line = parseLine(bytes, end + 1)
    if (line.type === 'checksum' || line.type === 'end') {
      if (line.lines !== end || line.sha256 !== hash.copy().digest('hex')) {
        throw new TransferError(`lines ${begin + 1} to ${end + 1} are damaged: checksum mismatch`)
      }
      isOver = line.type === 'end'
      end++
      yield { lines, end, isLast: isOver }
      lines = []
      begin = end
    } else {
      if (lines.length >= SECTION_LINES) throw new TransferError(`line ${end + 1} must be a checksum`)
      lines.push(line)
      end++
    }
    hash.update(bytes)
  }
  if (!isOver) throw new TransferError(`the export is truncated after line ${end}: the end line is missing`)
}

function parseLine(bytes: Buffer, number: number): ExportFileLine {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new TransferError(`line ${number} is damaged: not JSON`, { cause: error })
  }
  const parsed = exportLine.safeParse(value)
  if (parsed.success) return parsed.data
  throw new TransferError(
    number === 1 ? 'not a file of sotto export' : `line ${number} is damaged: not a line of an export`,
  )
}

/** Whole lines, each with its line feed; the last one also without. */
async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = []
  let restLength = 0
  for await (const chunk of source) {
    let from = 0
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
      const piece = chunk.subarray(from, at + 1)
      yield rest.length === 0 ? piece : Buffer.concat([...rest, piece])
      rest = []
      restLength = 0
      from = at + 1
    }
    if (from === chunk.length) continue
    rest.push(chunk.subarray(from))
    restLength += chunk.length - from
    if (restLength > MAX_LINE) throw new TransferError('not a file of sotto export: a line is too long')
  }
  if (rest.length > 0) yield Buffer.concat(rest)
}
