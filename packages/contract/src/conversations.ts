import { z } from 'zod'
import { exampleIds, exampleTimes } from './example-data.ts'
import { checkContent, checkPaging, contentFields, exampleMessage, message } from './messages.ts'
import { mutation, query } from './procedure.ts'
import { exampleAlice, exampleBob, publicUser } from './users.ts'
import {
  clientConversationId,
  cursor,
  groupName,
  id,
  idRef,
  instant,
  integer,
  limit,
  listOf,
  page,
  pageSize,
  seq,
  timestamp,
  userRef,
} from './values.ts'

export const participantRoles = ['owner', 'admin', 'member'] as const
export type ParticipantRole = (typeof participantRoles)[number]

/** The maximum number of participants in a group. */
export const maxParticipants = 250
/** The maximum number of participants included in a conversation object. */
export const shownParticipants = 50

const role = z.enum(participantRoles, `must be one of: ${participantRoles.join(', ')}`)

const participant = z.object({ user: publicUser, role: z.enum(participantRoles) }).meta({ id: 'Participant' })
/** A user in a conversation. In a direct conversation, both are members. */
export type Participant = z.output<typeof participant>

export const conversation = z
  .object({
    id,
    kind: z.enum(['direct', 'group']),
    name: z.string().nullable(),
    participants: z.array(participant).meta({
      description: `At most ${shownParticipants} participants. GET /v1/conversations/{conversationId}/participants lists all of them.`,
    }),
    participantCount: integer,
    lastMessage: message.nullable().meta({
      description: 'Null in a group without messages since the caller joined.',
    }),
    lastSeq: integer,
    readSeq: integer.meta({
      description:
        'The seq up to which the caller has read; 0 if nothing has been read. Always 0 for a bare key.',
    }),
    unreadCount: integer.meta({
      description:
        "Messages after readSeq, excluding the caller's own and deleted ones. Exact up to 999; 1000 means 1,000 or more.",
    }),
    createdAt: timestamp,
    updatedAt: timestamp.meta({ description: 'When the last message was sent.' }),
  })
  .meta({ id: 'Conversation' })
/** A conversation as one caller sees it: `readSeq`, `unreadCount` and `lastMessage` depend on the caller. */
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

/** As either user sees it right after alice created it. */
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

/** The ways to page through a conversation: by cursor, from a seq, from a point in time, or by page number. */
const paging = {
  before: seq.optional().meta({ description: 'Messages with a lower seq, newest first.' }),
  after: seq.optional().meta({ description: 'Messages with a higher seq, oldest first.' }),
  since: instant.optional().meta({ description: 'Messages sent at or after this time, oldest first.' }),
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
      context.addIssue({ code: 'custom', path: [name], message: 'cannot be combined with page' })
    }
  }
}

/** The input for a page of a conversation's messages. */
export const conversationPaging = z
  .strictObject({ conversationId: idRef, ...paging })
  .superRefine(checkConversationPaging)

export const conversations = {
  list: query({
    summary: 'List conversations',
    description:
      "The actor's conversations, most recently active first. A conversation that receives a message while you read the pages moves to the first page, so it may not be on any page you read: read the first page again at the end. The SDK's loops do this.",
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/conversations', status: 200 },
    input: z.strictObject({ limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(conversation),
    example: { as: 'bob', input: {}, output: { items: [exampleConversation], nextCursor: null } },
  }),
  get: query({
    summary: 'Get a conversation',
    description: 'A direct conversation or a group, with its last message and what the actor has not read.',
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
      'The actor becomes the owner. Participants see the messages sent from when they join until they leave. Repeating the call with the same clientConversationId, name and participants returns the first group, in its current state; with a different name or different participants it is an IDEMPOTENCY_CONFLICT. If the actor has left the group since, it is returned as it was then, without its participants.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND', 'FORBIDDEN', 'IDEMPOTENCY_CONFLICT'],
    idempotent: true,
    http: { method: 'POST', path: '/v1/conversations', status: 201, repeatedStatus: 200 },
    input: z.strictObject({
      name: groupName,
      participants: z
        .array(userRef)
        .max(maxParticipants, `must contain at most ${maxParticipants} users`)
        .meta({ description: 'The users to add, apart from the actor. Duplicates are ignored.' }),
      clientConversationId: clientConversationId.optional(),
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
    description: "FORBIDDEN unless the caller is a bare key, or the group's owner or one of its admins.",
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
    summary: 'Get read receipts',
    description:
      'One item per participant: the seq up to which messages have been delivered to them and read by them. `deliveredAt` and `readAt` refer to the message `seq`, or to the last message if `seq` is omitted, and are null for its sender.',
    access: 'caller',
    errors: ['CONVERSATION_NOT_FOUND', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/conversations/{conversationId}/receipts', status: 200 },
    input: z.strictObject({
      conversationId: idRef,
      seq: seq.optional().meta({
        description: 'The message that `deliveredAt` and `readAt` refer to. Defaults to the last one.',
      }),
      limit: limit.optional(),
      cursor: cursor.optional(),
    }),
    output: listOf(
      z
        .object({
          userId: id,
          deliveredSeq: integer,
          readSeq: integer,
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
      'Newest first, or oldest first with `after` or `since`. Page 10,000 is as fast as page 1, and any date is as fast as today. Former participants of a group can still read the messages sent while they were in it.',
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
    description:
      'Marks all messages up to and including `seq` as read. The read mark never moves back. INVALID_INPUT if `seq` is higher than that of the last message.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'CONVERSATION_NOT_FOUND'],
    idempotent: true,
    http: { method: 'POST', path: '/v1/conversations/{conversationId}/read', status: 200 },
    input: z.strictObject({ conversationId: idRef, seq }),
    output: z.object({ readSeq: integer, unreadCount: integer }).meta({ id: 'ReadMark' }),
    example: {
      as: 'bob',
      input: { conversationId: exampleIds.conversation, seq: 1 },
      output: { readSeq: 1, unreadCount: 0 },
    },
  }),
  typing: mutation({
    summary: 'Send a typing indicator',
    description:
      'Sent to participants who are streaming events. Expires after 10 seconds, so repeat it while the user is typing. Not stored.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'CONVERSATION_NOT_FOUND'],
    idempotent: true,
    http: { method: 'POST', path: '/v1/conversations/{conversationId}/typing', status: 204 },
    input: z.strictObject({ conversationId: idRef, typing: z.boolean('must be true or false') }),
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
    summary: 'List participants',
    description: 'In the order in which the users were created.',
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
    summary: 'Add a user to a group, or change their role',
    description:
      'A group always has an owner: the first user that a bare key adds to a group without participants becomes its owner, whatever the role. The owner and admins of the group can add members. Only the owner can add admins or change roles: setting the role `owner` transfers ownership, and the previous owner becomes an admin. A bare key can do all of this. Without `role`, a new participant becomes a member and an existing one keeps their role.',
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
    summary: 'Remove a user from a group, or leave it',
    description:
      'Any participant can leave. If the owner leaves, the longest-standing admin becomes the owner, or the longest-standing member if there is no admin. Admins can remove members; the owner and a bare key can remove anyone. Succeeds if the user is not in the group.',
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
    description: 'CONVERSATION_NOT_FOUND until the first message is sent.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND', 'CONVERSATION_NOT_FOUND'],
    http: { method: 'GET', path: '/v1/direct/{user}', status: 200 },
    input: z.strictObject({ user: userRef }),
    output: conversation,
    example: { as: 'bob', input: { user: 'alice' }, output: exampleConversation },
  }),
  messages: query({
    summary: 'List direct messages with a user',
    description:
      'Newest first, or oldest first with `after` or `since`. Empty until the first message is sent.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/direct/{user}/messages', status: 200 },
    input: z.strictObject({ user: userRef, ...paging }).superRefine(checkConversationPaging),
    output: listOf(message),
    example: { as: 'bob', input: { user: 'alice' }, output: { items: [exampleMessage], nextCursor: null } },
  }),
  send: mutation({
    summary: 'Send a direct message',
    description: 'The same as POST /v1/messages with `to`.',
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
