import { z } from 'zod'
import { exampleIds, exampleTimes } from './example-world.ts'
import { checkContent, checkPaging, contentFields, exampleMessage, message } from './messages.ts'
import { mutation, query } from './procedure.ts'
import { exampleAlice, exampleBob, publicUser } from './users.ts'
import {
  cursor,
  groupName,
  id,
  idRef,
  instant,
  limit,
  listOf,
  page,
  pageSize,
  seq,
  timestamp,
  userRef,
  whole,
} from './values.ts'

export const participantRoles = ['owner', 'admin', 'member'] as const
export type ParticipantRole = (typeof participantRoles)[number]

/** How many users a group holds at most. */
export const maxParticipants = 250
/** How many participants a conversation tells of itself. */
export const shownParticipants = 50

const role = z.enum(participantRoles, `takes ${participantRoles.join(', ')}`)

const participant = z.object({ user: publicUser, role: z.enum(participantRoles) }).meta({ id: 'Participant' })
/** Somebody who is in a conversation. In a direct one both are members. */
export type Participant = z.output<typeof participant>

export const conversation = z
  .object({
    id,
    kind: z.enum(['direct', 'group']),
    name: z.string().nullable(),
    participants: z.array(participant).meta({
      description: `At most ${shownParticipants} of them; the rest is at GET /v1/conversations/{conversationId}/participants.`,
    }),
    participantCount: whole,
    lastMessage: message.nullable().meta({
      description: 'Null in a group in which nothing was said since one is in it.',
    }),
    lastSeq: whole,
    readSeq: whole.meta({
      description: 'Read up to here; 0 before the first. For a bare service key always 0.',
    }),
    unreadCount: whole.meta({
      description:
        "Messages after readSeq that are not one's own and not deleted. Exact to 999; 1000 means that many or more.",
    }),
    createdAt: timestamp,
    updatedAt: timestamp.meta({ description: 'When the last message was sent.' }),
  })
  .meta({ id: 'Conversation' })
/** A conversation as one caller sees it: `readSeq`, `unreadCount` and `lastMessage` depend on who asks. */
export type Conversation = z.output<typeof conversation>

/** As bob sees it. */
export const exampleConversation: Conversation = {
  id: exampleIds.conversation,
  kind: 'direct',
  name: null,
  participants: [
    { user: exampleAlice, role: 'member' },
    { user: exampleBob, role: 'member' },
  ],
  participantCount: 2,
  lastMessage: exampleMessage,
  lastSeq: 1,
  readSeq: 0,
  unreadCount: 1,
  createdAt: exampleTimes.sent,
  updatedAt: exampleTimes.sent,
}

/** As both see it, right after alice has made it. */
const exampleGroup: Conversation = {
  id: exampleIds.group,
  kind: 'group',
  name: 'Weekend',
  participants: [
    { user: exampleAlice, role: 'owner' },
    { user: exampleBob, role: 'member' },
  ],
  participantCount: 2,
  lastMessage: null,
  lastSeq: 0,
  readSeq: 0,
  unreadCount: 0,
  createdAt: exampleTimes.sent,
  updatedAt: exampleTimes.sent,
}

/** The ways through one conversation's messages: by cursor, around a seq, from a time on, or by page number. */
const paging = {
  before: seq.optional().meta({ description: 'Messages with a smaller seq, newest first.' }),
  after: seq.optional().meta({ description: 'Messages with a larger seq, oldest first.' }),
  since: instant.optional().meta({ description: 'Messages sent at this time or later, oldest first.' }),
  limit: limit.optional(),
  cursor: cursor.optional(),
  page: page.optional(),
  pageSize: pageSize.optional(),
}

interface ConversationPaging {
  before?: number | undefined
  after?: number | undefined
  since?: Date | undefined
  limit?: number | undefined
  cursor?: string | undefined
  page?: number | undefined
  pageSize?: number | undefined
}

function checkConversationPaging(fields: ConversationPaging, context: z.core.$RefinementCtx): void {
  checkPaging(fields, context)
  for (const name of ['before', 'after', 'since'] as const) {
    if (fields[name] !== undefined && fields.page !== undefined) {
      context.addIssue({ code: 'custom', path: [name], message: 'does not go with page' })
    }
  }
}

/** A conversation, and which of its messages. */
export const conversationPaging = z
  .strictObject({ conversationId: idRef, ...paging })
  .superRefine(checkConversationPaging)

export const conversations = {
  list: query({
    summary: 'The inbox',
    description: "The actor's conversations, latest activity first.",
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/conversations', status: 200 },
    input: z.strictObject({ limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(conversation),
    example: { as: 'bob', input: {}, output: { items: [exampleConversation], nextCursor: null } },
  }),
  get: query({
    summary: 'Get a conversation',
    access: 'caller',
    errors: ['CONVERSATION_NOT_FOUND'],
    http: { method: 'GET', path: '/v1/conversations/{conversationId}', status: 200 },
    input: z.strictObject({ conversationId: idRef }),
    output: conversation,
    example: { as: 'bob', input: { conversationId: exampleIds.conversation }, output: exampleConversation },
  }),
  create: mutation({
    summary: 'Create a group',
    description:
      'The actor becomes its owner. Everybody in it sees what is said from when they joined until they leave.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/conversations', status: 201 },
    input: z.strictObject({
      name: groupName,
      participants: z
        .array(userRef)
        .max(maxParticipants, `takes at most ${maxParticipants} users`)
        .meta({ description: 'Besides the actor. Whoever is named twice is added once.' }),
    }),
    output: conversation,
    example: {
      as: 'alice',
      input: { name: 'Weekend', participants: ['bob'] },
      output: exampleGroup,
    },
  }),
  update: mutation({
    summary: 'Rename a group',
    description: "With a bare service key, or by the group's owner or an admin of it.",
    access: 'caller',
    errors: ['CONVERSATION_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'PATCH', path: '/v1/conversations/{conversationId}', status: 200 },
    input: z.strictObject({ conversationId: idRef, name: groupName }),
    output: conversation,
    example: {
      as: 'alice',
      input: { conversationId: exampleGroup.id, name: 'Weekend' },
      output: exampleGroup,
    },
  }),
  receipts: query({
    summary: 'See how far everybody has come',
    description:
      'One item for each participant: how far they have had and read the messages. `deliveredAt` and `readAt` are when they had and read the message `seq`, or the last one; null for its sender.',
    access: 'caller',
    errors: ['CONVERSATION_NOT_FOUND', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/conversations/{conversationId}/receipts', status: 200 },
    input: z.strictObject({
      conversationId: idRef,
      seq: seq.optional().meta({ description: 'The message in question; the last one when left out.' }),
      limit: limit.optional(),
      cursor: cursor.optional(),
    }),
    output: listOf(
      z
        .object({
          userId: id,
          deliveredSeq: whole,
          readSeq: whole,
          deliveredAt: timestamp.nullable(),
          readAt: timestamp.nullable(),
        })
        .meta({ id: 'Receipt' }),
    ),
    example: {
      as: 'alice',
      input: { conversationId: exampleGroup.id },
      output: {
        items: [
          { userId: exampleIds.alice, deliveredSeq: 0, readSeq: 0, deliveredAt: null, readAt: null },
          { userId: exampleIds.bob, deliveredSeq: 0, readSeq: 0, deliveredAt: null, readAt: null },
        ],
        nextCursor: null,
      },
    },
  }),
  messages: query({
    summary: "List a conversation's messages",
    description:
      'Newest first; with `after` or `since` oldest first. Page 10,000 costs what page 1 costs, and any date what today costs. Whoever has left a group still reads what was said while they were in it.',
    access: 'caller',
    errors: ['CONVERSATION_NOT_FOUND', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/conversations/{conversationId}/messages', status: 200 },
    input: conversationPaging,
    output: listOf(message),
    example: {
      as: 'bob',
      input: { conversationId: exampleIds.conversation, page: 1, pageSize: 20 },
      output: { items: [exampleMessage], nextCursor: null },
    },
  }),
  read: mutation({
    summary: 'Mark messages as read',
    description: 'All up to and including `seq`. Never moves back; beyond the last message is INVALID_INPUT.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'CONVERSATION_NOT_FOUND'],
    idempotent: true,
    http: { method: 'POST', path: '/v1/conversations/{conversationId}/read', status: 200 },
    input: z.strictObject({ conversationId: idRef, seq }),
    output: z.object({ readSeq: whole, unreadCount: whole }).meta({ id: 'ReadMark' }),
    example: {
      as: 'bob',
      input: { conversationId: exampleIds.conversation, seq: 1 },
      output: { readSeq: 1, unreadCount: 0 },
    },
  }),
  typing: mutation({
    summary: 'Say that one is typing',
    description: 'Tells the others who stream, for at most 10 s; say it again while it lasts. Never kept.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'CONVERSATION_NOT_FOUND'],
    idempotent: true,
    http: { method: 'POST', path: '/v1/conversations/{conversationId}/typing', status: 204 },
    input: z.strictObject({ conversationId: idRef, typing: z.boolean('takes true or false') }),
    output: z.void(),
    example: {
      as: 'bob',
      input: { conversationId: exampleIds.conversation, typing: true },
      output: undefined,
    },
  }),
}

export const participants = {
  list: query({
    summary: 'List the participants of a conversation',
    description: 'In the order in which their users were made.',
    access: 'caller',
    errors: ['CONVERSATION_NOT_FOUND', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/conversations/{conversationId}/participants', status: 200 },
    input: z.strictObject({ conversationId: idRef, limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(participant),
    example: {
      as: 'bob',
      input: { conversationId: exampleGroup.id },
      output: { items: exampleGroup.participants, nextCursor: null },
    },
  }),
  set: mutation({
    summary: 'Add somebody to a group, or change their role',
    description:
      'The owner and the admins of the group add members; the owner alone makes admins, and hands the group over by making another one the owner, who was it before is an admin then. A bare service key does all of it. Without a role a newcomer is a member, and who is in the group keeps theirs.',
    access: 'caller',
    errors: ['CONVERSATION_NOT_FOUND', 'USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'PUT', path: '/v1/conversations/{conversationId}/participants/{user}', status: 200 },
    input: z.strictObject({ conversationId: idRef, user: userRef, role: role.optional() }),
    output: participant,
    example: {
      as: 'alice',
      input: { conversationId: exampleGroup.id, user: 'bob', role: 'member' },
      output: { user: exampleBob, role: 'member' },
    },
  }),
  remove: mutation({
    summary: 'Remove somebody from a group, or leave it',
    description:
      'Everybody may leave: when the owner does, the admin, or else the member, who has been in it for longest becomes the owner. Admins remove members, the owner and a bare service key remove anybody. Who is not in the group is removed already.',
    access: 'caller',
    errors: ['CONVERSATION_NOT_FOUND', 'USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/conversations/{conversationId}/participants/{user}', status: 204 },
    input: z.strictObject({ conversationId: idRef, user: userRef }),
    output: z.void(),
    example: {
      as: 'alice',
      input: { conversationId: exampleGroup.id, user: 'bob' },
      output: undefined,
    },
  }),
}

export const direct = {
  get: query({
    summary: 'Get the direct conversation with a user',
    description: 'CONVERSATION_NOT_FOUND before the first message.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND', 'CONVERSATION_NOT_FOUND'],
    http: { method: 'GET', path: '/v1/direct/{user}', status: 200 },
    input: z.strictObject({ user: userRef }),
    output: conversation,
    example: { as: 'bob', input: { user: 'alice' }, output: exampleConversation },
  }),
  messages: query({
    summary: 'List the messages with a user',
    description: 'Newest first; with `after` or `since` oldest first. Empty before the first message.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/direct/{user}/messages', status: 200 },
    input: z.strictObject({ user: userRef, ...paging }).superRefine(checkConversationPaging),
    output: listOf(message),
    example: { as: 'bob', input: { user: 'alice' }, output: { items: [exampleMessage], nextCursor: null } },
  }),
  send: mutation({
    summary: 'Send a message to a user',
    description: 'As POST /v1/messages with `to`.',
    access: 'actor',
    limit: 'sends',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND', 'FORBIDDEN', 'IDEMPOTENCY_CONFLICT'],
    idempotent: true,
    http: { method: 'POST', path: '/v1/direct/{user}/messages', status: 201, repeatedStatus: 200 },
    input: z.strictObject({ user: userRef, ...contentFields }).superRefine(checkContent),
    output: message,
    example: {
      as: 'alice',
      input: { user: 'bob', text: 'Hello, Bob!', clientMessageId: 'b3f7' },
      output: { ...exampleMessage, clientMessageId: 'b3f7' },
    },
  }),
}
