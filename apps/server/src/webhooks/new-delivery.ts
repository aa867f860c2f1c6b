import type { EventRow, WebhookDeliveryRow } from '@sotto/db'
import { TEST_TYPE } from '../views/webhooks.ts'

interface NewDelivery {
  id: string
  webhookId: string
  now: Date
}

const unattempted = {
  state: 'pending',
  attempts: 0,
  last_status: null,
  last_error: null,
  delivered_at: null,
} as const

/** A delivery with a copy of the log row, which may expire before the receiver is available again. */
export function deliveryOf(event: EventRow, { id, webhookId, now }: NewDelivery): WebhookDeliveryRow {
  return {
    id,
    webhook_id: webhookId,
    event_id: event.id,
    type: event.type,
    conversation_id: event.conversation_id,
    audience_user_id: event.audience_user_id,
    user_id: event.user_id,
    message_id: event.message_id,
    seq: event.seq,
    detail: event.detail,
    event_at: event.created_at,
    ...unattempted,
    due_at: now,
    created_at: now,
  }
}

export function testDelivery({ id, webhookId, now }: NewDelivery): WebhookDeliveryRow {
  return {
    id,
    webhook_id: webhookId,
    event_id: null,
    type: TEST_TYPE,
    conversation_id: null,
    audience_user_id: null,
    user_id: null,
    message_id: null,
    seq: null,
    detail: null,
    event_at: now,
    ...unattempted,
    due_at: now,
    created_at: now,
  }
}
