import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { withWrittenDates } from '../wire.ts'

const LINES_TYPE = 'application/x-ndjson'
/** As many as a page may hold. */
const LINES_A_PAGE = 200

/** Whether the caller would rather have a whole list, one line of JSON for each item. */
export function wantsLines(request: FastifyRequest): boolean {
  const types = request.headers.accept?.split(',') ?? []
  return types.some((type) => type.split(';', 1)[0]?.trim().toLowerCase() === LINES_TYPE)
}

export type Fields = Record<string, unknown>
export type ReadPage = (input: Fields) => Promise<{ items: unknown[]; nextCursor: string | null }>

/**
 * Answers a list from its cursor to its end. Holds a page at a time, and reads the next one when the reader has taken
 * it. What fails after the first page breaks the answer off, which the reader sees.
 */
export async function sendJsonLines(
  reply: FastifyReply,
  input: Fields,
  readPage: ReadPage,
): Promise<FastifyReply> {
  const begin = { ...input, limit: LINES_A_PAGE }
  // Before the status is out: a refusal is an answer of its own.
  const first = await readPage(begin)
  async function* pages(): AsyncGenerator<string> {
    for (let page = first; ; ) {
      yield page.items.map((item) => `${JSON.stringify(withWrittenDates(item))}\n`).join('')
      if (page.nextCursor === null) return
      page = await readPage({ ...begin, cursor: page.nextCursor })
    }
  }
  return reply.header('content-type', LINES_TYPE).send(Readable.from(pages(), { highWaterMark: 1 }))
}
