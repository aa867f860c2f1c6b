/*
 * All event types. The schemas, the event log, webhooks, the SDK and the console derive from this table. It imports
 * nothing, so that clients can use it without zod.
 */

type EventTypeInfo =
  /** Stored in the event log under its own name and sent to webhooks. */
  | { kind: 'logged' }
  /** Stored in the event log under other names. `webhooks` is whether webhooks receive it. */
  | { kind: 'logged'; loggedAs: Readonly<Record<string, { webhooks: boolean }>> }
  /** Sent to connected clients, not stored. */
  | { kind: 'signal' }
  /** About the stream itself. */
  | { kind: 'control' }

const logged = { kind: 'logged' } as const
const signal = { kind: 'signal' } as const
const control = { kind: 'control' } as const

const eventTypes = {
  'message.created': logged,
  'message.edited': logged,
  'message.deleted': logged,
  'reaction.added': logged,
  'reaction.removed': logged,
  'receipt.updated': {
    kind: 'logged',
    // Webhooks do not receive delivery receipts, because there is one for almost every message.
    loggedAs: { 'receipt.delivered': { webhooks: false }, 'receipt.read': { webhooks: true } },
  },
  'conversation.created': logged,
  'conversation.updated': logged,
  'participant.joined': logged,
  'participant.left': logged,
  'participant.updated': logged,
  'contact.updated': logged,
  'typing.started': signal,
  'typing.stopped': signal,
  'presence.changed': signal,
  resync: control,
} as const satisfies Record<string, EventTypeInfo>

type EventTypes = typeof eventTypes
type TypeOfKind<Kind extends EventTypeInfo['kind']> = {
  [Type in EventType]: EventTypes[Type] extends { kind: Kind } ? Type : never
}[EventType]
type LoggedEventType = TypeOfKind<'logged'>

/** The type of an event as clients see it. */
export type EventType = keyof EventTypes

/** The type of a row in the event log. */
export type LogType = {
  [Type in LoggedEventType]: EventTypes[Type] extends { loggedAs: infer Names } ? keyof Names : Type
}[LoggedEventType]

/** The type of an event that webhooks can subscribe to. */
export type WebhookEventType = {
  [Type in LoggedEventType]: EventTypes[Type] extends {
    loggedAs: Readonly<Record<string, { webhooks: false }>>
  }
    ? never
    : Type
}[LoggedEventType]

function mapWebhookTypes(): ReadonlyMap<LogType, WebhookEventType> {
  const types = new Map<LogType, WebhookEventType>()
  for (const [type, info] of Object.entries<EventTypeInfo>(eventTypes)) {
    if (info.kind !== 'logged') continue
    const names = 'loggedAs' in info ? info.loggedAs : { [type]: { webhooks: true } }
    for (const [name, { webhooks }] of Object.entries(names)) {
      // Object.entries() returns string keys. The types above derive from the same table.
      if (webhooks) types.set(name as LogType, type as WebhookEventType)
    }
  }
  return types
}

/** The webhook event type for each event log type. Types without an entry are not sent to webhooks. */
export const webhookTypeOfLogType = mapWebhookTypes()

/** Every event type that a webhook can subscribe to. */
export const webhookEventTypes: readonly WebhookEventType[] = [...new Set(webhookTypeOfLogType.values())]
