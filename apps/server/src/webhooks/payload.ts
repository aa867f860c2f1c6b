import type { LogType } from '@sotto/contract'
import type { EventRow, WebhookDeliveryRow } from '@sotto/db'
import { loadSubjects, type Sources, viewOf } from '../realtime/event-view.ts'
import { TEST_TYPE } from '../views/webhooks.ts'

/**
 * The body of a delivery, as a bare service key sees the event, with the current state of its subject. Contact events
 * also have the `ownerId`.
 *
 * @returns undefined if the subject no longer exists.
 */
export async function payloadOf(sources: Sources, row: WebhookDeliveryRow): Promise<string | undefined> {
  if (row.type === TEST_TYPE) return bodyOf(TEST_TYPE, row.event_at, { webhookId: row.webhook_id })
  const event = eventOf(row, row.type)
  // A bare service key sees everything in its current state.
  const viewer = event.audience_user_id
  const view = viewOf(await loadSubjects(sources, [{ row: event, viewers: [viewer] }]), event, viewer)
  if (!view) return undefined
  const data =
    view.event.type === 'contact.updated' ? { ...view.event, ownerId: event.audience_user_id } : view.event
  return bodyOf(view.event.type, row.event_at, data)
}

function bodyOf(type: string, timestamp: Date, data: object): string {
  return JSON.stringify({ type, timestamp, data })
}

/** The log row of a delivery. */
function eventOf(row: WebhookDeliveryRow, type: LogType): EventRow {
  return {
    xid: '0',
    id: row.event_id ?? 0,
    type,
    conversation_id: row.conversation_id,
    audience_user_id: row.audience_user_id,
    user_id: row.user_id,
    message_id: row.message_id,
    seq: row.seq,
    detail: row.detail,
    created_at: row.event_at,
  }
}
