import type { MessageRow } from '@sotto/db'
import { afterSending, type Context } from '../app/context.ts'
import { receivedBy } from './delivery-marks.ts'

/** Marks these messages, and all before them, as delivered to the actor once the response has been written. */
export function noteDelivered(ctx: Context, messages: readonly MessageRow[]): void {
  const { actor, app } = ctx
  if (!actor) return
  const received = receivedBy(actor.id, messages)
  if (received.size > 0) afterSending(ctx, () => app.deliveryMarks.note(actor.id, received))
}

/** The same for messages without those before them, which are marked only in order. */
export function noteDeliveredSingly(ctx: Context, messages: readonly MessageRow[]): void {
  const { actor, app } = ctx
  if (!actor) return
  const received = receivedBy(actor.id, messages)
  if (received.size > 0) afterSending(ctx, () => app.deliveryMarks.noteSingle(actor.id, received))
}
