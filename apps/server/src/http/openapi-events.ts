import { webhookEventTypes } from '@sotto/contract'

type Json = Record<string, unknown>

/** An object schema whose `type` is one value. */
interface Variant extends Json {
  properties: Json & { type: { const: string } }
  required: string[]
}

/** Names each type of event, and says which `type` selects it, so that generated clients have a class for each. */
export function describeEvents(schemas: Json): void {
  const { oneOf, ...event } = schemas.Event as Json & { oneOf: Variant[] }
  schemas.Event = { ...event, ...oneOfNamed(oneOf, 'Event', schemas) }
  const webhookEvents = oneOf
    .filter(({ properties }) => isWebhookType(properties.type.const))
    .map((variant) => webhookEvent(variant.properties.type.const, dataOf(variant)))
  const test = webhookEvent('webhook.test', {
    type: 'object',
    properties: { webhookId: { type: 'string', format: 'uuid' } },
    required: ['webhookId'],
  })
  schemas.WebhookEvent = {
    description: 'The body of a request to a webhook. `timestamp` is when the event happened.',
    ...oneOfNamed([...webhookEvents, test], 'WebhookEvent', schemas),
  }

  function dataOf(variant: Variant): Json {
    const { type } = variant.properties
    if (type.const !== 'contact.updated') return refTo(nameOf(type.const, 'Event'))
    return {
      ...variant,
      properties: {
        ...variant.properties,
        ownerId: { type: 'string', format: 'uuid', description: 'The user whose contact changed.' },
      },
      required: [...variant.required, 'ownerId'],
    }
  }
}

/** The request that the server sends to webhooks. */
export const webhookPaths: Json = {
  event: {
    post: {
      operationId: 'webhooks.receive',
      tags: ['webhooks'],
      summary: 'Receive an event',
      description:
        'Sent to the URL of a webhook for each event that it receives, signed as Standard Webhooks specifies.',
      security: [],
      parameters: [
        headerOf('webhook-id', 'Identifies the delivery. The same for each attempt.', { type: 'string' }),
        headerOf('webhook-timestamp', 'When the attempt was made, in seconds since 1970.', {
          type: 'integer',
        }),
        headerOf('webhook-signature', 'One or more signatures, separated by spaces.', { type: 'string' }),
      ],
      requestBody: {
        required: true,
        content: { 'application/json': { schema: refTo('WebhookEvent') } },
      },
      responses: {
        '2XX': { description: 'The event was received. Any other response is retried.' },
        '410': { description: 'Disables the webhook.' },
      },
    },
  },
}

function headerOf(name: string, description: string, schema: Json): Json {
  return { name, in: 'header', required: true, description, schema }
}

function webhookEvent(type: string, data: Json): Variant {
  return {
    type: 'object',
    properties: {
      type: { type: 'string', const: type } as Variant['properties']['type'],
      timestamp: { type: 'string', format: 'date-time' },
      data,
    },
    required: ['type', 'timestamp', 'data'],
  }
}

function oneOfNamed(variants: readonly Variant[], suffix: string, schemas: Json): Json {
  const mapping: Record<string, string> = {}
  for (const variant of variants) {
    const type = variant.properties.type.const
    const name = nameOf(type, suffix)
    schemas[name] = variant
    mapping[type] = refTo(name).$ref
  }
  return {
    oneOf: Object.values(mapping).map(($ref) => ({ $ref })),
    discriminator: { propertyName: 'type', mapping },
  }
}

/** `message.created` is `MessageCreatedEvent`, and `webhook.test` is `TestWebhookEvent`. */
function nameOf(type: string, suffix: string): string {
  const words = type.split('.').filter((word) => word !== 'webhook')
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('') + suffix
}

function refTo(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` }
}

function isWebhookType(type: string): boolean {
  return webhookEventTypes.some((each) => each === type)
}
