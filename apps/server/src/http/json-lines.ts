import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { withIsoDates } from '../lib/json-dates.ts'
import { jsonSizeOf } from '../lib/json-size.ts'
import type { CallInProgress } from './calls-in-progress.ts'

const LINES_TYPE = 'application/x-ndjson'
/** The maximum page size of a list. */
const LINES_PER_PAGE = 200
/** In characters. */
const CHUNK_LENGTH = 65_536

/** Whether the client accepts a whole list as JSON Lines. */
export function wantsLines(request: FastifyRequest): boolean {
  const types = request.headers.accept?.split(',') ?? []
  return types.some((type) => type.split(';', 1)[0]?.trim().toLowerCase() === LINES_TYPE)
}

export type Fields = Record<string, unknown>
export type ReadPage = (input: Fields) => Promise<{ items: unknown[]; nextCursor: string | null }>

interface LinesOptions {
  readPage: ReadPage
  underWay: CallInProgress
  /** Resolves when the next page can be read. */
  nextTurn: () => Promise<void>
}

/**
 * Sends a list from the cursor to its end, as one line of JSON per item. Holds one page in memory, and reads the next
 * when the client has received it. A failure after the first page aborts the response, which the client can detect.
 */
export async function sendJsonLines(
  reply: FastifyReply,
  input: Fields,
  { readPage, underWay, nextTurn }: LinesOptions,
): Promise<FastifyReply> {
  async function read(cursor: object) {
    await nextTurn()
    const page = await readPage({ ...input, ...cursor, limit: LINES_PER_PAGE })
    return { ...page, release: underWay.hold(jsonSizeOf(page.items)) }
  }
  // Before the status is sent, so that an error gets its own response.
  const first = await read({})
  reply.header('content-type', LINES_TYPE)
  if (reply.request.method === 'HEAD') {
    // Fastify would read the whole list to discard it.
    first.release()
    return reply.send(Readable.from([]))
  }
  async function* chunks(): AsyncGenerator<string> {
    for (let page = first; ; ) {
      yield* inChunks(page.items)
      page.release()
      if (page.nextCursor === null) return
      page = await read({ cursor: page.nextCursor })
    }
  }
  return reply.send(Readable.from(chunks(), { highWaterMark: 1 }))
}

/** The lines of a page in chunks, so that only a small part of the page is buffered for writing. */
function* inChunks(items: readonly unknown[]): Generator<string> {
  let chunk = ''
  for (const item of items) {
    chunk += `${JSON.stringify(withIsoDates(item))}\n`
    if (chunk.length < CHUNK_LENGTH) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
