import { contract, SottoError } from '@sotto/contract'
import { tracked } from '@trpc/server'
import { measure } from '../metrics/reported-calls.ts'
import { openStream } from '../realtime/open-stream.ts'
import { pullEvents } from '../realtime/pull-events.ts'
import { query, router, subscription } from './trpc.ts'

const { events } = contract

export const eventsRouter = router({
  stream: subscription(events.stream).subscription(async function* ({ ctx, input, signal }) {
    const stream = await measure(ctx, 'events.stream', () => openStream(ctx, input))
    // A reader who is stuck does not come back here.
    stream.onEnded = () => {
      if (stream.endReason === 'slow') ctx.hangUp?.('slow')
    }
    // What was taken is handed on one by one: a signal in between carries the cursor of what came before it.
    let last = stream.cursor
    try {
      for (;;) {
        const items = await stream.take(signal)
        if (!items) break
        for (const { cursor, event } of items) {
          last = cursor ?? last
          yield tracked(last, event)
        }
        await ctx.drained?.()
      }
    } catch (error) {
      if (!ctx.hangUp || error instanceof SottoError) throw error
      // An error would end the subscription; a client whose connection is lost resumes.
      ctx.app.log.warn({ requestId: ctx.requestId, err: error }, 'an event stream broke off')
      stream.end('slow')
    } finally {
      stream.end()
    }
    if (stream.endReason === 'unauthenticated') throw new SottoError('UNAUTHENTICATED')
    if (stream.endReason && ctx.hangUp) {
      // Ending the subscription would tell the client that it is complete; a lost connection it takes up again.
      ctx.hangUp(stream.endReason)
      await aborted(signal)
    }
  }),
  pull: query(events.pull, pullEvents),
})

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (!signal || signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
