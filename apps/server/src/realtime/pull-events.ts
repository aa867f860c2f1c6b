import type { Event } from '@sotto/contract'
import type { ActorContext } from '../app/context.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { openStream } from './open-stream.ts'

/** Returns the events after the cursor, waiting for the first one. */
export async function pullEvents(
  ctx: ActorContext,
  input: InputOf<'events', 'pull'>,
): Promise<{ items: Event[]; cursor: string }> {
  const stream = await openStream(ctx, { cursor: input.cursor })
  try {
    if (input.cursor === undefined) return { items: [], cursor: stream.cursor }
    const wait = AbortSignal.timeout((input.wait ?? 0) * 1_000)
    // After a disconnect nothing may be taken: it would count as delivered.
    const items = await stream.take(ctx.disconnected ? AbortSignal.any([wait, ctx.disconnected()]) : wait)
    return { items: (items ?? []).map((item) => item.event), cursor: stream.cursor }
  } finally {
    stream.end()
  }
}
