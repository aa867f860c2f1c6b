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

/** Responds with Server-Sent Events until either side ends the stream. */
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
  response.once('close', () => stream.end())
  if (response.destroyed) {
    // The client disconnected while the stream was being opened: `close` will not be emitted again.
    stream.end()
    return
  }
  // A hijacked response does not include the headers that the hooks have set on the reply.
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) response.setHeader(name, value)
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // Otherwise nginx buffers the events.
    'x-accel-buffering': 'no',
    ...(request.quota && rateLimitFields(request.quota)),
  })
  // The initial cursor, so that a reader can resume even before the first event.
  response.write(`id: ${stream.cursor}\n: connected\n\n`)
  const heartbeat = setInterval(() => response.write(`id: ${stream.cursor}\n: alive\n\n`), HEARTBEAT_MS)
  heartbeat.unref()
  // A blocked reader would not see the stream end, so its connection is closed instead.
  stream.onEnded = () => {
    if (stream.endReason === 'slow' || response.writableNeedDrain) response.destroy()
  }
  try {
    await writeAll(stream, response)
  } catch (error) {
    // The status has already been sent, so the error cannot be reported. A reader that loses its connection resumes.
    ctx.app.log.warn({ requestId: request.id, err: error }, 'event stream failed, closing its connection')
    response.destroy()
  } finally {
    clearInterval(heartbeat)
    stream.end()
  }
  if (response.destroyed) return
  if (stream.endReason === 'stopping') {
    response.write(`retry: ${Math.round(Math.random() * MAX_RECONNECT_MS)}\n\n`)
  }
  response.end()
}

async function writeAll(stream: Subscription, response: FastifyReply['raw']): Promise<void> {
  for (;;) {
    const items = await stream.take()
    if (!items) return
    const isWaiting = !response.write(items.map(toBlock).join(''), (error) => {
      if (!error) stream.written(items)
    })
    if (isWaiting) await drained(response)
  }
}

function toBlock({ cursor, event, json }: StreamItem): string {
  const id = cursor === undefined ? '' : `id: ${cursor}\n`
  return `${id}event: ${event.type}\ndata: ${json}\n\n`
}

function drained(response: FastifyReply['raw']): Promise<void> {
  if (response.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.once('drain', done)
    response.once('close', done)
  })
}
