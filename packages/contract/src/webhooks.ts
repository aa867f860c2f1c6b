import { z } from 'zod'
import { exampleAct } from './audit.ts'
import { type WebhookEventType, webhookEventTypes } from './event-types.ts'
import type { Event } from './events.ts'
import { exampleIds, exampleSecrets } from './example-world.ts'
import { mutation, query } from './procedure.ts'
import { cursor, httpUrl, id, idRef, limit, listOf, plainString, timestamp, whole } from './values.ts'

/** An event as somebody sees it who reads everything, with whose contact it is where it is one user's alone. */
type DataOf<Type extends WebhookEventType> =
  Extract<Event, { type: Type }> extends infer Data
    ? Type extends 'contact.updated'
      ? Data & { ownerId: string }
      : Data
    : never

/**
 * What a webhook is sent: the event as a service key that acts for nobody sees it, as it stands when it is sent.
 * `timestamp` is when it happened. `contact.updated` says in `ownerId` whose contact it is.
 */
export type WebhookEvent =
  | { [Type in WebhookEventType]: { type: Type; timestamp: Date; data: DataOf<Type> } }[WebhookEventType]
  | { type: 'webhook.test'; timestamp: Date; data: { webhookId: string } }

/** How many webhooks an installation has at most: every event is looked at for each. */
export const maxWebhooks = 20

const webhookUrl = httpUrl
  .refine((value) => {
    const url = URL.parse(value)
    return !url?.username && !url?.password
  }, 'takes a URL without a user name and a password')
  .meta({
    format: 'uri',
    description: 'https; http and addresses inside the network only for SOTTO_WEBHOOK_ALLOWED_HOSTS.',
  })

const description = plainString
  .min(1, 'takes 1 to 256 characters')
  .max(256, 'takes 1 to 256 characters')
  .meta({ description: 'What the webhook is for.' })

const EVENTS_MESSAGE = `takes a list of event types, each once: ${webhookEventTypes.join(', ')}`

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
      'events: null is all of them, those of later versions too. disabledReason: `gone` when the receiver has answered 410, null while it is enabled. The secret is not shown again.',
  })
/** Where a back end is told of events. */
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
    attempts: whole,
    lastStatus: whole.nullable(),
    lastError: z.string().nullable(),
    nextAttemptAt: timestamp.nullable(),
    createdAt: timestamp,
    deliveredAt: timestamp.nullable(),
  })
  .meta({
    id: 'WebhookDelivery',
    description:
      'id is what the receiver gets as webhook-id, with each attempt the same. eventId is null for a test. lastStatus is of the last answer, null without one; lastError says why the last attempt failed.',
  })
/** One event on its way to one webhook. */
export type WebhookDelivery = z.output<typeof delivery>

const exampleWebhook: Webhook = {
  id: exampleIds.webhook,
  url: 'https://hooks.example/sotto',
  description: 'The shop',
  events: ['message.created', 'message.deleted'],
  enabled: true,
  disabledReason: null,
  createdAt: exampleAct.at,
  updatedAt: exampleAct.at,
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
  nextAttemptAt: exampleAct.at,
  createdAt: exampleAct.at,
  deliveredAt: null,
}

const webhookId = idRef
const deliveryId = idRef

export const webhooks = {
  create: mutation({
    summary: 'Make a webhook',
    description: `From now on events are sent to the URL, signed with the secret, which is in this answer and nowhere else. There are at most ${maxWebhooks}. UNAVAILABLE: the server has no SOTTO_SECRET to keep the secret with.`,
    access: 'admin',
    errors: ['FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/webhooks', status: 201 },
    input: z.strictObject({
      url: webhookUrl,
      events: events.optional().meta({ description: 'Of which types; of all when left out.' }),
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
    access: 'admin',
    errors: ['FORBIDDEN', 'WEBHOOK_NOT_FOUND'],
    http: { method: 'GET', path: '/v1/webhooks/{webhookId}', status: 200 },
    input: z.strictObject({ webhookId }),
    output: webhook,
    example: { as: 'key', input: { webhookId: exampleWebhook.id }, output: exampleWebhook },
  }),
  update: mutation({
    summary: 'Change a webhook',
    description:
      'While it is disabled nothing is sent: what happens then is not told later, and what was to be sent waits until it is enabled, for up to 30 days.',
    access: 'admin',
    errors: ['FORBIDDEN', 'WEBHOOK_NOT_FOUND'],
    idempotent: true,
    http: { method: 'PATCH', path: '/v1/webhooks/{webhookId}', status: 200 },
    input: z.strictObject({
      webhookId,
      url: webhookUrl.optional(),
      events: events.nullable().optional().meta({ description: 'null for all of them.' }),
      description: description.nullable().optional(),
      enabled: z.boolean('takes true or false').optional(),
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
    description: 'With all of its deliveries. What is being sent at the moment still arrives.',
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
      'The new one is in this answer and nowhere else. For 24 hours deliveries are signed with both, so that the receiver can change over without a gap.',
    access: 'admin',
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
    description: 'Sends it a `webhook.test`, whatever types it has asked for. It must be enabled.',
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
      'Newest first. What was delivered is listed for 7 days after it was made, what has failed for 30.',
    access: 'admin',
    errors: ['FORBIDDEN', 'WEBHOOK_NOT_FOUND', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/webhooks/{webhookId}/deliveries', status: 200 },
    input: z.strictObject({
      webhookId,
      state: z.enum(deliveryStates, `takes ${deliveryStates.join(', ')}`).optional(),
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
    summary: 'Send a delivery again',
    description: 'Now, and as if it were new: with the same id, and as often as a new one is tried.',
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
