import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { withWrittenDates } from '../lib/json-dates.ts'
import { jsonSizeOf } from '../lib/json-size.ts'
import type { CallUnderWay } from './calls-under-way.ts'

const LINES_TYPE = 'application/x-ndjson'
/** As many as a page may hold. */
const LINES_A_PAGE = 200
/** In characters. */
const PIECE_LENGTH = 65_536

/** Whether the caller would rather have a whole list, one line of JSON for each item. */
export function wantsLines(request: FastifyRequest): boolean {
  const types = request.headers.accept?.split(',') ?? []
  return types.some((type) => type.split(';', 1)[0]?.trim().toLowerCase() === LINES_TYPE)
}

export type Fields = Record<string, unknown>
export type ReadPage = (input: Fields) => Promise<{ items: unknown[]; nextCursor: string | null }>

interface LinesOptions {
  readPage: ReadPage
  underWay: CallUnderWay
}

/**
 * Answers a list from its cursor to its end. Holds a page at a time, and reads the next one when the reader has taken
 * it. What fails after the first page breaks the answer off, which the reader sees.
 */
export async function sendJsonLines(
  reply: FastifyReply,
  input: Fields,
  { readPage, underWay }: LinesOptions,
): Promise<FastifyReply> {
  async function read(cursor: object) {
    const page = await readPage({ ...input, ...cursor, limit: LINES_A_PAGE })
    return { ...page, release: underWay.hold(jsonSizeOf(page.items)) }
  }
  // Before the status is out: a refusal is an answer of its own.
  const first = await read({})
  async function* pieces(): AsyncGenerator<string> {
    for (let page = first; ; ) {
      yield* inPieces(page.items)
      page.release()
      if (page.nextCursor === null) return
      page = await read({ cursor: page.nextCursor })
    }
  }
  return reply.header('content-type', LINES_TYPE).send(Readable.from(pieces(), { highWaterMark: 1 }))
}

/** The lines of a page, some at a time: what has been written and not been taken is small beside it. */
function* inPieces(items: readonly unknown[]): Generator<string> {
  let piece = ''
  for (const item of items) {
    piece += `${JSON.stringify(withWrittenDates(item))}\n`
    if (piece.length < PIECE_LENGTH) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}
