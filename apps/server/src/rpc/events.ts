import { contract, SottoError } from '@sotto/contract'
import { tracked } from '@trpc/server'
import { openStream } from '../realtime/open-stream.ts'
import { pullEvents } from '../realtime/pull-events.ts'
import { procedure, router, subscription } from './trpc.ts'

const { events } = contract

export const eventsRouter = router({
  stream: subscription(events.stream).subscription(async function* ({ ctx, input, signal }) {
    const stream = await openStream(ctx, input)
    try {
      for (;;) {
        const items = await stream.take(signal)
        if (!items) break
        for (const { cursor, event } of items) yield tracked(cursor ?? stream.cursor, event)
      }
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
  pull: procedure(events.pull).query(({ ctx, input }) => pullEvents(ctx, input)),
})

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (!signal || signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
