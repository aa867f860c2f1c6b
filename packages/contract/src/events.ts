import { z } from 'zod'
import { contactStates } from './contacts.ts'
import { conversation, participantRoles } from './conversations.ts'
import type { EventType } from './event-types.ts'
import { exampleIds } from './example-world.ts'
import { exampleMessage, message } from './messages.ts'
import { query, subscription } from './procedure.ts'
import { cursor, id, idRef, plainString, timestamp, userRef, whole } from './values.ts'

/** What every event of a conversation begins with. */
const inConversation = {
  id: z.string().meta({ description: 'Stable, and the same on every transport: drop what you have seen.' }),
  conversationId: id,
  at: timestamp,
}
/** What belongs to no conversation. */
const outside = { ...inConversation, conversationId: z.null() }

const aboutMessage = { ...inConversation, message }
const aboutReaction = {
  ...inConversation,
  messageId: id,
  userId: id,
  emoji: z.string(),
  reactions: z
    .array(z.object({ emoji: z.string(), count: whole }))
    .meta({ description: "All of the message's, as they stand now." }),
}
const aboutUser = { ...inConversation, userId: id }
const aboutParticipant = { ...aboutUser, role: z.enum(participantRoles) }

/** What an event of each type holds besides its type. */
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
  'contact.updated': { ...outside, userId: id, state: z.enum([...contactStates, 'none']) },
  'typing.started': aboutUser,
  'typing.stopped': aboutUser,
  'presence.changed': { ...outside, userId: id, online: z.boolean(), lastSeenAt: timestamp.nullable() },
  resync: outside,
} satisfies Record<EventType, z.core.$ZodShape>

type EventSchema = {
  [Type in EventType]: (typeof fields)[Type] extends infer Shape extends z.core.$ZodShape
    ? z.ZodObject<{ type: z.ZodLiteral<Type> } & Shape>
    : never
}[EventType]

// Mapping loses which fields belong to which type.
const schemas = Object.entries(fields).map(([type, shape]) =>
  z.object({ type: z.literal(type), ...shape }),
) as unknown as [EventSchema, ...EventSchema[]]

/** What happens, told to everyone concerned, in order within a conversation. */
export const event = z.discriminatedUnion('type', schemas).meta({
  id: 'Event',
  description:
    'A message comes as it stands now, and so does what a user is to the reader (contact.updated). typing and presence are signals, which are not kept. resync: reload what you show, and go on from its cursor.',
})
/** What happens, as one user sees it. */
export type Event = z.output<typeof event>

const exampleEvent: Event = {
  id: '2',
  type: 'message.created',
  conversationId: exampleIds.conversation,
  at: exampleMessage.createdAt,
  message: exampleMessage,
}
const exampleCursor = 'WyJldmVudHMiLCJub3ciXQ'

export const events = {
  stream: subscription({
    summary: 'Stream events',
    description:
      'Server-Sent Events: `id:` the cursor, `event:` the type, `data:` the event as one line of JSON. `Last-Event-ID` resumes after it; without one the stream starts now.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'INVALID_CURSOR', 'CONVERSATION_NOT_FOUND', 'USER_NOT_FOUND'],
    http: { method: 'GET', path: '/v1/events', status: 200 },
    input: z.strictObject({
      conversationId: idRef.optional().meta({ description: 'Only the events of this conversation.' }),
      presence: z
        .array(userRef)
        .max(200, 'takes at most 200 users')
        .optional()
        .meta({ description: 'Tell when these users come and go. Only for those who share a conversation.' }),
      cursor: cursor.optional(),
      /** tRPC's name for the cursor of the last event that came, which its clients send by themselves. */
      lastEventId: plainString.max(512).nullish(),
    }),
    output: event,
    example: { as: 'bob', input: {}, output: exampleEvent },
  }),
  pull: query({
    summary: 'Pull events',
    description:
      'For those who cannot stream: answers what came after the cursor, waiting for the first up to `wait` seconds. Without a cursor it answers the present one.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/events/pull', status: 200 },
    input: z.strictObject({
      cursor: cursor.optional(),
      wait: z
        .int('takes 0 to 30 seconds')
        .min(0, 'takes 0 to 30 seconds')
        .max(30, 'takes 0 to 30 seconds')
        .optional()
        .meta({ description: 'Seconds.', default: 0 }),
    }),
    output: z.object({ items: z.array(event), cursor: z.string() }).meta({ id: 'EventPage' }),
    example: { as: 'bob', input: {}, output: { items: [], cursor: exampleCursor } },
  }),
}
