import type { Event } from '@sotto/contract'
import { type ActorContext, afterSending } from '../app/context.ts'
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
    // After a disconnect nothing may be taken: it would count as delivered.
    stream.endWith(ctx.disconnected?.())
    const items = (await stream.take(AbortSignal.timeout((input.wait ?? 0) * 1_000))) ?? []
    afterSending(ctx, () => stream.written(items))
    return { items: items.map((item) => item.event), cursor: stream.cursor }
  } finally {
    stream.end()
  }
}
