import { type Event, SottoError } from '@sotto/contract'
import { tracked } from '@trpc/server'
import { afterSending, type Context } from '../app/context.ts'
import { measure } from '../metrics/reported-calls.ts'
import type { Subscription } from '../realtime/subscription.ts'

interface Options {
  ctx: Context
  /** The name of the operation, for metrics. */
  name: string
  signal: AbortSignal | undefined
  open: () => Promise<Subscription>
}

/** Yields a stream as tRPC's tracked events, each with the cursor that resumes after it. */
export async function* eventGenerator({ ctx, name, signal, open }: Options) {
  const stream = await measure(ctx, name, open)
  // A blocked reader does not return to the loop below.
  stream.onEnded = () => {
    if (stream.endReason === 'slow') ctx.hangUp?.('slow')
  }
  stream.endWith(signal)
  // Signals have no cursor, so they carry the cursor of the event before them.
  let last = stream.cursor
  try {
    for (;;) {
      const items = await stream.take()
      if (!items) break
      for (const item of items) {
        last = item.cursor ?? last
        yield tracked<Event>(last, item.event)
        // Reached only if the connection requests the next one.
        if (!ctx.drained) stream.written([item])
      }
      // A WebSocket also requests the next one after it has started to close, and drops what it requested.
      if (ctx.drained) afterSending(ctx, () => stream.written(items))
      await ctx.drained?.()
    }
  } catch (error) {
    if (!ctx.hangUp || error instanceof SottoError) throw error
    // An error would end the subscription for good, but a client that loses its connection resumes.
    ctx.app.log.warn({ requestId: ctx.requestId, err: error }, 'event stream failed, closing its connection')
    stream.end('slow')
  } finally {
    stream.end()
  }
  if (stream.endReason === 'unauthenticated') throw new SottoError('UNAUTHENTICATED')
  if (stream.endReason && ctx.hangUp) {
    // Ending the subscription would mark it as complete, but a client that loses its connection resumes.
    ctx.hangUp(stream.endReason)
    await aborted(signal)
  }
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (!signal || signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
