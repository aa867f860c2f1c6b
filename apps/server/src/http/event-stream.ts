import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../app/context.ts'
import type { StreamOperation } from '../app/operations.ts'
import { toInputError } from '../lib/errors.ts'
import type { StreamItem, Subscription } from '../realtime/subscription.ts'
import { HEARTBEAT_MS } from '../rpc/trpc.ts'
import { reportOpenStream } from './call-reports.ts'
import { rateLimitFields } from './rate-limit-fields.ts'

/** The maximum delay before clients reconnect after a stop, in milliseconds. Each gets a random delay. */
const MAX_RECONNECT_MS = 5_000

/** Responds with Server-Sent Events until either side ends the stream. Returns when the response has begun. */
export async function sendEventStream(
  { entry, run }: StreamOperation,
  ctx: Context,
  input: Record<string, unknown>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const lastEventId = request.headers['last-event-id']
  const parsed = entry.input.safeParse(
    lastEventId === undefined || lastEventId === '' ? input : { ...input, cursor: lastEventId },
  )
  if (!parsed.success) throw toInputError(parsed.error)
  const stream = await run(ctx, parsed.data)
  reportOpenStream(ctx.app.metrics, request, reply)
  request.span.end('ok')
  const response = reply.raw
  reply.hijack()
  if (response.destroyed) {
    // The client disconnected while the stream was being opened: `close` will not be emitted again.
    stream.end()
    return
  }
  // A hijacked response does not include the headers that the hooks have set on the reply.
  const headers = Object.fromEntries(
    Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined),
  )
  response.cork()
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // Otherwise nginx buffers the events.
    'x-accel-buffering': 'no',
    ...(request.quota && rateLimitFields(request.quota)),
  })
  // Node keeps the text of the headers, in a piece for each part until it is written on its own.
  response.flushHeaders()
  // The initial cursor, so that a reader can resume even before the first event.
  response.write(`id: ${stream.cursor}\n: connected\n\n`)
  response.uncork()
  new StreamWriter(stream, response, { log: ctx.app.log, requestId: request.id }).start()
}

interface Report {
  log: Context['app']['log']
  requestId: string
}

/**
 * Writes a stream to its response. Holds no promise while the stream is idle: the memory of a server with many users is
 * mostly idle streams.
 */
class StreamWriter {
  readonly #stream: Subscription
  readonly #response: ServerResponse
  readonly #report: Report
  #heartbeat: NodeJS.Timeout | undefined
  /** Whether missed items are being read, or the connection accepts no more data. */
  #isWaiting = false

  constructor(stream: Subscription, response: ServerResponse, report: Report) {
    this.#stream = stream
    this.#response = response
    this.#report = report
  }

  start(): void {
    this.#response.on('close', () => this.#stream.end())
    this.#stream.onTurn = () => this.#takeTurn()
    this.#heartbeat = setInterval(beat, HEARTBEAT_MS, this.#stream, this.#response).unref()
    this.#stream.requestTurn()
  }

  #takeTurn(): void {
    if (this.#stream.hasEnded) this.#finish()
    else if (this.#isWaiting) return
    else if (this.#stream.isReplaying) void this.#writeMissed()
    else this.#write(this.#stream.takeQueued())
  }

  async #writeMissed(): Promise<void> {
    this.#isWaiting = true
    try {
      const items = await this.#stream.takeMissed()
      this.#isWaiting = false
      if (!this.#stream.hasEnded) this.#write(items)
    } catch (error) {
      // The status has already been sent, so the error cannot be reported. A reader that loses its connection resumes.
      const { log, requestId } = this.#report
      log.warn({ requestId, err: error }, 'event stream failed, closing its connection')
      this.#response.destroy()
      this.#stream.end()
    }
  }

  #write(items: readonly StreamItem[]): void {
    const stream = this.#stream
    if (items.length > 0 && !this.#writeBlocks(items)) {
      this.#isWaiting = true
      this.#response.once('drain', () => {
        this.#isWaiting = false
        stream.requestTurn()
      })
    } else if (stream.isReplaying || stream.hasQueued) {
      stream.requestTurn()
    }
  }

  /** @returns whether the connection accepts more data. */
  #writeBlocks(items: readonly StreamItem[]): boolean {
    return this.#response.write(items.map(toBlock).join(''), (error) => {
      if (!error) this.#stream.written(items)
    })
  }

  #finish(): void {
    const response = this.#response
    clearInterval(this.#heartbeat)
    this.#stream.onTurn = undefined
    if (response.destroyed) return
    const { endReason } = this.#stream
    // A blocked reader would not see the end.
    if (endReason === 'slow' || response.writableNeedDrain) {
      response.destroy()
      return
    }
    if (endReason === 'stopping') {
      response.write(`retry: ${Math.round(Math.random() * MAX_RECONNECT_MS)}\n\n`)
    }
    response.end()
  }
}

function beat(stream: Subscription, response: ServerResponse): void {
  response.write(`id: ${stream.cursor}\n: alive\n\n`)
}

function toBlock({ cursor, event, json }: StreamItem): string {
  const id = cursor === undefined ? '' : `id: ${cursor}\n`
  return `${id}event: ${event.type}\ndata: ${json}\n\n`
}
