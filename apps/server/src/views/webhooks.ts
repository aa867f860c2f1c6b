import {
  type Webhook,
  type WebhookDelivery,
  type WebhookEventType,
  webhookTypeOfLogType,
} from '@sotto/contract'
import type { EventRow, WebhookDeliveryRow, WebhookRow } from '@sotto/db'

/** The type of what an admin has sent to try a webhook. */
export const TEST_TYPE = 'webhook.test'

/** A webhook as admins see it: without its secret. */
export function toWebhook(row: WebhookRow): Webhook {
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    events: eventsOf(row),
    enabled: row.disabled_at === null,
    disabledReason: row.disabled_reason,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

export function toDelivery(row: WebhookDeliveryRow): WebhookDelivery {
  return {
    id: row.id,
    webhookId: row.webhook_id,
    eventId: row.event_id === null ? null : String(row.event_id),
    type: shownType(row),
    state: row.state,
    attempts: row.attempts,
    lastStatus: row.last_status,
    lastError: row.last_error,
    nextAttemptAt: row.due_at,
    createdAt: row.created_at,
    deliveredAt: row.delivered_at,
  }
}

/** Which types a webhook has asked for; null for all of them. */
export function eventsOf({ events }: Pick<WebhookRow, 'events'>): WebhookEventType[] | null {
  // Written by `eventsColumn` alone.
  return events === null ? null : (events.split(' ') as WebhookEventType[])
}

export function eventsColumn(events: readonly WebhookEventType[] | null): string | null {
  return events?.join(' ') ?? null
}

/**
 * What webhooks call an event of the log; undefined for what they are not sent: types that are not for them, and what
 * tells one member of a conversation alone what all others are told in another event.
 */
export function webhookTypeOf(
  event: Pick<EventRow, 'type' | 'conversation_id' | 'audience_user_id'>,
): WebhookEventType | undefined {
  if (event.conversation_id !== null && event.audience_user_id !== null) return undefined
  return webhookTypeOfLogType.get(event.type)
}

function shownType({ type, ...row }: WebhookDeliveryRow): WebhookDelivery['type'] {
  if (type === TEST_TYPE) return type
  // Everything else was made of an event that has a name here.
  return webhookTypeOf({ ...row, type }) as WebhookEventType
}
