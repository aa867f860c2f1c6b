import {
  type Webhook,
  type WebhookDelivery,
  type WebhookEventType,
  webhookTypeOfLogType,
} from '@sotto/contract'
import type { EventRow, WebhookDeliveryRow, WebhookRow } from '@sotto/db'

/** The event type of a test delivery. */
export const TEST_TYPE = 'webhook.test'

/** A webhook without its secret. */
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

/** The event types that a webhook subscribes to; null for all. */
export function eventsOf({ events }: Pick<WebhookRow, 'events'>): WebhookEventType[] | null {
  // Only `eventsColumn` writes the column.
  return events === null ? null : (events.split(' ') as WebhookEventType[])
}

export function eventsColumn(events: readonly WebhookEventType[] | null): string | null {
  return events?.join(' ') ?? null
}

/**
 * The webhook type of a log event. Undefined for events that are not sent to webhooks: other types, and events for a
 * single participant, which duplicate an event for all other participants.
 */
export function webhookTypeOf(
  event: Pick<EventRow, 'type' | 'conversation_id' | 'audience_user_id'>,
): WebhookEventType | undefined {
  if (event.conversation_id !== null && event.audience_user_id !== null) return undefined
  return webhookTypeOfLogType.get(event.type)
}

function shownType({ type, ...row }: WebhookDeliveryRow): WebhookDelivery['type'] {
  if (type === TEST_TYPE) return type
  // Every other delivery was created for an event with a webhook type.
  return webhookTypeOf({ ...row, type }) as WebhookEventType
}
