import type { Event } from '@sotto/contract'
import type { ActorContext } from '../app/context.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { openStream } from './open-stream.ts'

/** Answers what came after the cursor, waiting for the first of it. */
export async function pullEvents(
  ctx: ActorContext,
  input: InputOf<'events', 'pull'>,
): Promise<{ items: Event[]; cursor: string }> {
  const stream = await openStream(ctx, { cursor: input.cursor })
  try {
    if (input.cursor === undefined) return { items: [], cursor: stream.cursor }
    const wait = AbortSignal.timeout((input.wait ?? 0) * 1_000)
    // Whoever has gone is not taken for somebody who reads.
    const items = await stream.take(ctx.gone ? AbortSignal.any([wait, ctx.gone()]) : wait)
    return { items: (items ?? []).map((item) => item.event), cursor: stream.cursor }
  } finally {
    stream.end()
  }
}
