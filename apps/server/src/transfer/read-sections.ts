import { createHash } from 'node:crypto'
import { type ExportFileLine, exportLine, SECTION_LINES } from './format.ts'
import { TransferError } from './transfer-error.ts'

/** The lines between two checksums, verified. */
export interface Section {
  lines: ExportFileLine[]
  /** The line number of its checksum. */
  end: number
  isLast: boolean
}

/** In bytes, far more than a row can have: a longer line means that the file is not an export. */
const MAX_LINE = 64 * 1_024 * 1_024
const LINE_FEED = 0x0a

/**
 * Reads an export and verifies its checksums, one section at a time.
 *
 * @throws {TransferError} naming the damaged lines, or if the file is truncated.
 */
export async function* readSections(source: AsyncIterable<Buffer>): AsyncGenerator<Section> {
  const hash = createHash('sha256')
  let lines: ExportFileLine[] = []
  let sectionStart = 0
  let end = 0
  let hasEnded = false
  for await (const bytes of readLines(source)) {
    if (hasEnded) throw new TransferError(`line ${end + 1} follows the end of the export`)
    const line = parseLine(bytes, end + 1)
    if (line.type === 'checksum' || line.type === 'end') {
      if (line.lines !== end || line.sha256 !== hash.copy().digest('hex')) {
        throw new TransferError(`lines ${sectionStart + 1} to ${end + 1} are damaged: checksum mismatch`)
      }
      hasEnded = line.type === 'end'
      end++
      yield { lines, end, isLast: hasEnded }
      lines = []
      sectionStart = end
    } else {
      if (lines.length >= SECTION_LINES) throw new TransferError(`line ${end + 1} must be a checksum`)
      lines.push(line)
      end++
    }
    hash.update(bytes)
  }
  if (!hasEnded) throw new TransferError(`the export is truncated after line ${end}: the end line is missing`)
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
    number === 1 ? 'the file is not a Sotto export' : `line ${number} is damaged: not a valid export line`,
  )
}

/** Complete lines, including their line feeds. The last line may lack one. */
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
    if (restLength > MAX_LINE) throw new TransferError('the file is not a Sotto export: a line is too long')
  }
  if (rest.length > 0) yield Buffer.concat(rest)
}
