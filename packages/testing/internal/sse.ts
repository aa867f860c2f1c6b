import { type IncomingMessage, request } from 'node:http'
import { Inbox, type WireEvent } from './inbox.ts'

/** A reader of Server-Sent Events that shares no code with the SDK. */
export interface SseStream extends AsyncDisposable {
  readonly inbox: Inbox
  /** The last event id. A block without data can change it too. */
  readonly cursor: string
  /** Milliseconds to wait before reconnecting, once the server has sent them. */
  readonly retry: number | undefined
  readonly comments: readonly string[]
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>
  close(): void
}

export class RefusedError extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string) {
    super(`${status} ${code}`)
    this.status = status
    this.code = code
  }
}

/** Parses an event's data. Undefined for a keep-alive. */
type ReadData = (data: string) => WireEvent | undefined

const readJson: ReadData = (data) => JSON.parse(data) as WireEvent

/** The format of tRPC: superjson. tRPC's own events have no `json`. */
export const readSuperjson: ReadData = (data) => (JSON.parse(data) as { json?: WireEvent }).json

/** Resolves once the first bytes have arrived, which contain the starting cursor. */
export async function openSse(
  url: string,
  headers: Record<string, string>,
  lastEventId?: string,
  readData: ReadData = readJson,
): Promise<SseStream> {
  // `fetch` would open another connection after one was closed.
  const call = request(url, {
    agent: false,
    headers: { ...headers, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
  })
  call.end()
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  call.once('response', resolve)
  call.on('error', reject)
  const response = (await promise).setEncoding('utf8')
  if (response.statusCode !== 200) {
    let body = ''
    for await (const chunk of response) body += String(chunk)
    const { code } = JSON.parse(body) as { code: string }
    throw new RefusedError(response.statusCode ?? 0, code)
  }
  const inbox = new Inbox()
  const comments: string[] = []
  let cursor = ''
  let retry: number | undefined
  let begin = () => {}
  const began = new Promise<void>((resolve) => {
    begin = resolve
  })

  function readBlock(block: string): void {
    let data: string | undefined
    let own: string | undefined
    for (const line of block.split('\n')) {
      if (line.startsWith(':')) comments.push(line.slice(1).trim())
      if (line.startsWith('id: ')) own = line.slice(4)
      if (line.startsWith('retry: ')) retry = Number(line.slice(7))
      if (line.startsWith('data: ')) data = line.slice(6)
    }
    if (own !== undefined) cursor = own
    const event = data === undefined ? undefined : readData(data)
    if (event) inbox.add({ cursor: own, event })
    begin()
  }

  async function readAll(): Promise<void> {
    let text = ''
    try {
      for await (const chunk of response) {
        text += String(chunk)
        const blocks = text.split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) readBlock(block)
      }
    } catch {
      // Closed by either side; an incomplete block is dropped.
    }
    begin()
    inbox.end()
  }

  const ended = readAll()
  await began
  return {
    inbox,
    comments,
    ended,
    get cursor() {
      return cursor
    },
    get retry() {
      return retry
    },
    close: () => void call.destroy(),
    async [Symbol.asyncDispose]() {
      call.destroy()
      await ended
    },
  }
}
