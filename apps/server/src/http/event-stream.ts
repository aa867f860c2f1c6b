import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../app/context.ts'
import type { StreamOperation } from '../app/operations.ts'
import { refusedInput } from '../lib/errors.ts'
import type { StreamItem, Subscription } from '../realtime/subscription.ts'
import { HEARTBEAT_MS } from '../rpc/trpc.ts'
import { reportOpened } from './call-reports.ts'
import { rateLimitFields } from './rate-limit-fields.ts'

/** Within how long those who are sent away by a stop come back, in milliseconds: not all in the same moment. */
const RETURN_WITHIN_MS = 5_000

/** Answers a request with Server-Sent Events, until one of both sides ends it. */
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
  if (!parsed.success) throw refusedInput(parsed.error)
  const stream = await run(ctx, parsed.data)
  reportOpened(ctx.app.metrics, request, reply)
  request.span.end('ok')
  const response = reply.raw
  reply.hijack()
  response.once('close', () => stream.end())
  if (response.destroyed) {
    // The reader left while the stream was being opened: that it closes has been said already.
    stream.end()
    return
  }
  // What the hooks have set is on the reply, which is not what answers.
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) response.setHeader(name, value)
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // nginx would gather the events otherwise.
    'x-accel-buffering': 'no',
    ...(request.quota && rateLimitFields(request.quota)),
  })
  // Where the stream begins, so that a reader can resume who has had no event yet.
  response.write(`id: ${stream.cursor}\n: connected\n\n`)
  const heartbeat = setInterval(() => response.write(`id: ${stream.cursor}\n: alive\n\n`), HEARTBEAT_MS)
  heartbeat.unref()
  // A reader who is stuck cannot be told anything more.
  stream.onEnded = () => {
    if (stream.endReason === 'slow' || response.writableNeedDrain) response.destroy()
  }
  try {
    await writeAll(stream, response)
  } catch (error) {
    // The status has gone out long ago. A reader whose connection is lost resumes.
    ctx.app.log.warn({ requestId: request.id, err: error }, 'event stream failed, closing its connection')
    response.destroy()
  } finally {
    clearInterval(heartbeat)
    stream.end()
  }
  if (response.destroyed) return
  if (stream.endReason === 'stopping') {
    response.write(`retry: ${Math.round(Math.random() * RETURN_WITHIN_MS)}\n\n`)
  }
  response.end()
}

async function writeAll(stream: Subscription, response: FastifyReply['raw']): Promise<void> {
  for (;;) {
    const items = await stream.take()
    if (!items) return
    if (!response.write(items.map(toBlock).join(''))) await drained(response)
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
