import { z } from 'zod'
import { exampleAuditEntry } from './audit.ts'
import { type WebhookEventType, webhookEventTypes } from './event-types.ts'
import type { Event } from './events.ts'
import { exampleIds, exampleSecrets } from './example-data.ts'
import { mutation, query } from './procedure.ts'
import { cursor, httpUrl, id, idRef, integer, limit, listOf, singleLine, timestamp } from './values.ts'

/** The event as a bare key sees it. A contact belongs to one user, so its events also have an `ownerId`. */
type DataOf<Type extends WebhookEventType> =
  Extract<Event, { type: Type }> extends infer Data
    ? Type extends 'contact.updated'
      ? Data & { ownerId: string }
      : Data
    : never

/**
 * The payload of a delivery: the event as a bare key sees it when the delivery is sent. `timestamp` is when the event
 * happened. `ownerId` in `contact.updated` is the user whose contact changed.
 */
export type WebhookEvent =
  | { [Type in WebhookEventType]: { type: Type; timestamp: Date; data: DataOf<Type> } }[WebhookEventType]
  | { type: 'webhook.test'; timestamp: Date; data: { webhookId: string } }

/** The maximum number of webhooks per installation: every event is matched against each of them. */
export const maxWebhooks = 20

const webhookUrl = httpUrl
  .refine((value) => {
    const url = URL.parse(value)
    return !url?.username && !url?.password
  }, 'must not contain a username or password')
  .meta({
    format: 'uri',
    description:
      'Must be https. http and private network addresses are allowed only for hosts in SOTTO_WEBHOOK_ALLOWED_HOSTS.',
  })

const description = singleLine
  .min(1, 'must be 1 to 256 characters')
  .max(256, 'must be 1 to 256 characters')
  .meta({ description: 'What the webhook is for.' })

const EVENTS_MESSAGE = `must be a list of one or more of these event types, without duplicates: ${webhookEventTypes.join(', ')}`

const events = z
  .array(z.enum(webhookEventTypes, EVENTS_MESSAGE), EVENTS_MESSAGE)
  .min(1, EVENTS_MESSAGE)
  .max(webhookEventTypes.length, EVENTS_MESSAGE)
  .refine((list) => new Set(list).size === list.length, EVENTS_MESSAGE)

const webhook = z
  .object({
    id,
    url: z.string(),
    description: z.string().nullable(),
    events: z.array(z.enum(webhookEventTypes)).nullable(),
    enabled: z.boolean(),
    disabledReason: z.enum(['admin', 'gone']).nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({
    id: 'Webhook',
    description:
      'events is null for all event types, including those of later versions. disabledReason is `gone` if the receiver has responded with 410, and null while the webhook is enabled. The secret is not returned again.',
  })
/** A URL to which the server sends events. */
export type Webhook = z.output<typeof webhook>

const webhookWithSecret = webhook.extend({ secret: z.string() }).meta({ id: 'WebhookWithSecret' })

const deliveryStates = ['pending', 'delivered', 'failed'] as const

const delivery = z
  .object({
    id,
    webhookId: id,
    eventId: z.string().nullable(),
    type: z.enum([...webhookEventTypes, 'webhook.test']),
    state: z.enum(deliveryStates),
    attempts: integer,
    lastStatus: integer.nullable(),
    lastError: z.string().nullable(),
    nextAttemptAt: timestamp.nullable(),
    createdAt: timestamp,
    deliveredAt: timestamp.nullable(),
  })
  .meta({
    id: 'WebhookDelivery',
    description:
      'id is sent to the receiver as webhook-id and is the same for each attempt. eventId is null for a test. lastStatus is the status of the last response, or null if there was none. lastError is the reason why the last attempt failed.',
  })
/** One event to be sent to one webhook. */
export type WebhookDelivery = z.output<typeof delivery>

const exampleWebhook: Webhook = {
  id: exampleIds.webhook,
  url: 'https://hooks.example/sotto',
  description: 'The shop',
  events: ['message.created', 'message.deleted'],
  enabled: true,
  disabledReason: null,
  createdAt: exampleAuditEntry.at,
  updatedAt: exampleAuditEntry.at,
}
const exampleDelivery: WebhookDelivery = {
  id: exampleIds.delivery,
  webhookId: exampleIds.webhook,
  eventId: null,
  type: 'webhook.test',
  state: 'pending',
  attempts: 0,
  lastStatus: null,
  lastError: null,
  nextAttemptAt: exampleAuditEntry.at,
  createdAt: exampleAuditEntry.at,
  deliveredAt: null,
}

const webhookId = idRef
const deliveryId = idRef

export const webhooks = {
  create: mutation({
    summary: 'Create a webhook',
    description: `From now on, events are sent to the URL, signed with the secret. The secret is shown only once. INVALID_INPUT if there are already ${maxWebhooks} webhooks. UNAVAILABLE if SOTTO_SECRET, which encrypts the secret, is not set.`,
    access: 'admin',
    extraScopes: ['read'],
    grantsAccess: true,
    errors: ['FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/webhooks', status: 201 },
    input: z.strictObject({
      url: webhookUrl,
      events: events.optional().meta({ description: 'The event types to send. All types if omitted.' }),
      description: description.optional(),
    }),
    output: webhookWithSecret,
    example: {
      as: 'key',
      input: {
        url: exampleWebhook.url,
        events: exampleWebhook.events ?? [],
        description: exampleWebhook.description ?? '',
      },
      output: { ...exampleWebhook, secret: exampleSecrets.webhook },
    },
  }),
  list: query({
    summary: 'List webhooks',
    description: 'Newest first.',
    access: 'admin',
    errors: ['FORBIDDEN', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/webhooks', status: 200 },
    input: z.strictObject({ limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(webhook),
    example: { as: 'key', input: {}, output: { items: [exampleWebhook], nextCursor: null } },
  }),
  get: query({
    summary: 'Get a webhook',
    description: 'Without its secret, which is returned only when it is created or replaced.',
    access: 'admin',
    errors: ['FORBIDDEN', 'WEBHOOK_NOT_FOUND'],
    http: { method: 'GET', path: '/v1/webhooks/{webhookId}', status: 200 },
    input: z.strictObject({ webhookId }),
    output: webhook,
    example: { as: 'key', input: { webhookId: exampleWebhook.id }, output: exampleWebhook },
  }),
  update: mutation({
    summary: 'Update a webhook',
    description:
      'A disabled webhook receives nothing. Events that happen while it is disabled are never sent, and deliveries that were already pending wait until it is enabled again, for up to 30 days. With a signed token, a webhook can only be disabled or described differently, unless SOTTO_JWT_LASTING_ACCESS is on.',
    access: 'admin',
    extraScopes: ['read'],
    errors: ['FORBIDDEN', 'WEBHOOK_NOT_FOUND'],
    idempotent: true,
    http: { method: 'PATCH', path: '/v1/webhooks/{webhookId}', status: 200 },
    input: z.strictObject({
      webhookId,
      url: webhookUrl.optional(),
      events: events
        .nullable()
        .optional()
        .meta({ description: 'The event types to send. Null for all types.' }),
      description: description.nullable().optional(),
      enabled: z.boolean('must be true or false').optional(),
    }),
    output: webhook,
    example: {
      as: 'key',
      input: { webhookId: exampleWebhook.id, enabled: false },
      output: { ...exampleWebhook, enabled: false, disabledReason: 'admin' },
    },
  }),
  delete: mutation({
    summary: 'Delete a webhook',
    description: 'Also deletes its deliveries. Requests that are already being sent may still arrive.',
    access: 'admin',
    errors: ['FORBIDDEN', 'WEBHOOK_NOT_FOUND'],
    idempotent: false,
    http: { method: 'DELETE', path: '/v1/webhooks/{webhookId}', status: 204 },
    input: z.strictObject({ webhookId }),
    output: z.void(),
    example: { as: 'key', input: { webhookId: exampleWebhook.id }, output: undefined },
  }),
  rotateSecret: mutation({
    summary: "Replace a webhook's secret",
    description:
      'The new secret is shown only once. Deliveries are signed with both secrets for 24 hours, so that the receiver can switch without a gap.',
    access: 'admin',
    grantsAccess: true,
    errors: ['FORBIDDEN', 'WEBHOOK_NOT_FOUND'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/webhooks/{webhookId}/rotate-secret', status: 200 },
    input: z.strictObject({ webhookId }),
    output: webhookWithSecret,
    example: {
      as: 'key',
      input: { webhookId: exampleWebhook.id },
      output: { ...exampleWebhook, secret: exampleSecrets.webhook },
    },
  }),
  test: mutation({
    summary: 'Test a webhook',
    description:
      'Sends a `webhook.test` event, regardless of the event types of the webhook. The webhook must be enabled.',
    access: 'admin',
    errors: ['FORBIDDEN', 'WEBHOOK_NOT_FOUND'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/webhooks/{webhookId}/test', status: 201 },
    input: z.strictObject({ webhookId }),
    output: delivery,
    example: { as: 'key', input: { webhookId: exampleWebhook.id }, output: exampleDelivery },
  }),
  deliveries: query({
    summary: "List a webhook's deliveries",
    description:
      'Newest first. Successful deliveries are kept for 7 days after creation, failed ones for 30.',
    access: 'admin',
    errors: ['FORBIDDEN', 'WEBHOOK_NOT_FOUND', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/webhooks/{webhookId}/deliveries', status: 200 },
    input: z.strictObject({
      webhookId,
      state: z.enum(deliveryStates, `must be one of: ${deliveryStates.join(', ')}`).optional(),
      limit: limit.optional(),
      cursor: cursor.optional(),
    }),
    output: listOf(delivery),
    example: {
      as: 'key',
      input: { webhookId: exampleWebhook.id, state: 'failed' },
      output: { items: [], nextCursor: null },
    },
  }),
  retryDelivery: mutation({
    summary: 'Retry a delivery',
    description: 'Sends the delivery now, with the same id and as many attempts as a new delivery.',
    access: 'admin',
    errors: ['FORBIDDEN', 'WEBHOOK_NOT_FOUND', 'DELIVERY_NOT_FOUND'],
    idempotent: false,
    http: {
      method: 'POST',
      path: '/v1/webhooks/{webhookId}/deliveries/{deliveryId}/retry',
      status: 200,
    },
    input: z.strictObject({ webhookId, deliveryId }),
    output: delivery,
    example: {
      as: 'key',
      input: { webhookId: exampleWebhook.id, deliveryId: exampleDelivery.id },
      output: exampleDelivery,
    },
  }),
}
