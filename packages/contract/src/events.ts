import { z } from 'zod'
import { contactStates } from './contacts.ts'
import { conversation, participantRoles } from './conversations.ts'
import type { EventType } from './event-types.ts'
import { exampleIds } from './example-data.ts'
import { exampleMessage, message } from './messages.ts'
import { mutation, query, subscription } from './procedure.ts'
import { cursor, id, idRef, integer, plainString, timestamp, userRef, wholeNumber } from './values.ts'

/** The common fields of events in a conversation. */
const inConversation = {
  id: z
    .string()
    .meta({ description: 'Stable, and the same on every transport. Ignore events you have already seen.' }),
  conversationId: id,
  at: timestamp,
}
/** The common fields of events outside conversations. */
const outsideConversation = { ...inConversation, conversationId: z.null() }

const aboutMessage = { ...inConversation, message }
const aboutReaction = {
  ...inConversation,
  messageId: id,
  userId: id,
  emoji: z.string(),
  reactions: z
    .array(z.object({ emoji: z.string(), count: integer }))
    .meta({ description: 'All reactions to the message, in their current state.' }),
}
const aboutUser = { ...inConversation, userId: id }
const aboutParticipant = { ...aboutUser, role: z.enum(participantRoles) }

/** The fields of each event type, in addition to `type`. */
const fields = {
  'message.created': aboutMessage,
  'message.edited': aboutMessage,
  'message.deleted': aboutMessage,
  'reaction.added': aboutReaction,
  'reaction.removed': aboutReaction,
  'receipt.updated': { ...aboutUser, kind: z.enum(['delivered', 'read']), seq: z.int() },
  'conversation.created': { ...inConversation, conversation },
  'conversation.updated': { ...inConversation, conversation },
  'participant.joined': aboutParticipant,
  'participant.left': aboutParticipant,
  'participant.updated': aboutParticipant,
  'contact.updated': { ...outsideConversation, userId: id, state: z.enum([...contactStates, 'none']) },
  'typing.started': aboutUser,
  'typing.stopped': aboutUser,
  'presence.changed': {
    ...outsideConversation,
    userId: id,
    online: z.boolean(),
    lastSeenAt: timestamp.nullable(),
  },
  resync: outsideConversation,
} satisfies Record<EventType, z.core.$ZodShape>

type EventSchema = {
  [Type in EventType]: (typeof fields)[Type] extends infer Shape extends z.core.$ZodShape
    ? z.ZodObject<{ type: z.ZodLiteral<Type> } & Shape>
    : never
}[EventType]

// Object.entries() does not preserve which fields belong to which type.
const schemas = Object.entries(fields).map(([type, shape]) =>
  z.object({ type: z.literal(type), ...shape }),
) as unknown as [EventSchema, ...EventSchema[]]

/** Users receive the events of a conversation in order. */
export const event = z.discriminatedUnion('type', schemas).meta({
  id: 'Event',
  description:
    'Messages and contact states (contact.updated) are included in their current state. Typing and presence events are signals, which are not stored. On resync, reload what you show and continue from its cursor.',
})
/** An event as one user sees it. */
export type Event = z.output<typeof event>

const exampleEvent: Event = {
  id: '2',
  type: 'message.created',
  conversationId: exampleIds.conversation,
  at: exampleMessage.createdAt,
  message: exampleMessage,
}
const streamId = plainString.min(1, 'must not be empty').max(64, 'must be at most 64 characters')
const presence = z.array(userRef).max(200, 'must contain at most 200 users')

const exampleCursor = 'WyJldmVudHMiLCJub3ciXQ'

export const events = {
  stream: subscription({
    summary: 'Stream events',
    description:
      'Server-Sent Events: `id` is the cursor, `event` the type, and `data` the event as one line of JSON. The stream resumes after `Last-Event-ID`, or starts now without it.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'INVALID_CURSOR', 'CONVERSATION_NOT_FOUND'],
    http: { method: 'GET', path: '/v1/events', status: 200 },
    input: z.strictObject({
      conversationId: idRef.optional().meta({ description: 'Only events in this conversation.' }),
      presence: presence.optional().meta({
        description:
          'Also send presence changes of these users, as long as they share a conversation with the actor. Users who do not, and users who do not exist, are ignored.',
      }),
      streamId: streamId.optional().meta({
        description: "An id of the client's choice, to watch more users later.",
      }),
      cursor: cursor.optional(),
      /** The cursor of the last event. tRPC clients send it under this name when they reconnect. */
      lastEventId: plainString.max(512, 'must be at most 512 characters').nullish(),
    }),
    output: event,
    example: { as: 'bob', input: {}, output: exampleEvent },
  }),
  watch: mutation({
    summary: 'Watch the presence of more users',
    description:
      'Adds users to `presence` of an open stream of the actor. The stream first sends their current presence. If it watches more than 200 users then, it stops watching those that were added first.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED'],
    idempotent: true,
    http: { method: 'POST', path: '/v1/events/watch', status: 200 },
    input: z.strictObject({ streamId, presence }),
    output: z
      .object({
        found: z.boolean().meta({
          description:
            'False if the stream is not open, or if it is open on a server that cannot be reached.',
        }),
      })
      .meta({ id: 'WatchResult' }),
    example: { as: 'alice', input: { streamId: 'phone', presence: ['bob'] }, output: { found: false } },
  }),
  pull: query({
    summary: 'Poll for events',
    description:
      'For clients that cannot stream. Returns the events after the cursor, waiting up to `wait` seconds for the first one. Without a cursor, returns the current one.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/events/pull', status: 200 },
    input: z.strictObject({
      cursor: cursor.optional(),
      wait: wholeNumber(0, 30).optional().meta({ description: 'How long to wait, in seconds.', default: 0 }),
    }),
    output: z.object({ items: z.array(event), cursor: z.string() }).meta({ id: 'EventPage' }),
    example: { as: 'bob', input: {}, output: { items: [], cursor: exampleCursor } },
  }),
}
