import type { MessageRow } from '@sotto/db'
import { afterSending, type Context } from '../app/context.ts'

/** Marks these messages, and all before them, as delivered to the actor once the response has been written. */
export function noteDelivered(ctx: Context, messages: readonly MessageRow[]): void {
  const { actor, app } = ctx
  if (actor) afterSending(ctx, () => app.deliveryMarks.note(actor.id, messages))
}

/** The same for messages without those before them, which are marked only in order. */
export function noteDeliveredSingly(ctx: Context, messages: readonly MessageRow[]): void {
  const { actor, app } = ctx
  if (actor) afterSending(ctx, () => app.deliveryMarks.noteSingle(actor.id, messages))
}
