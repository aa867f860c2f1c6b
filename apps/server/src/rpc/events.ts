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
    if (stream.endReason)
      throw new SottoError('UNAVAILABLE', { detail: `the stream ended: ${stream.endReason}` })
  }),
  pull: procedure(events.pull).query(({ ctx, input }) => pullEvents(ctx, input)),
})
