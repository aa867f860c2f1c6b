import { z } from 'zod'
import { exampleConversation, exampleIds, exampleMessage } from './example-world.ts'
import { checkContent, checkPaging, contentFields, message } from './messages.ts'
import { mutation, query } from './procedure.ts'
import { publicUser } from './users.ts'
import { cursor, id, idRef, limit, listOf, page, pageSize, seq, timestamp, userRef, whole } from './values.ts'

const participantRoles = ['owner', 'admin', 'member'] as const
export type ParticipantRole = (typeof participantRoles)[number]

export const conversation = z
  .object({
    id,
    kind: z.enum(['direct', 'group']),
    name: z.string().nullable(),
    participants: z.array(z.object({ user: publicUser, role: z.enum(participantRoles) })),
    lastMessage: message.nullable(),
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

/** The ways through one conversation's messages: by cursor, around a seq, or by page number. */
const paging = {
  before: seq.optional().meta({ description: 'Messages with a smaller seq, newest first.' }),
  after: seq.optional().meta({ description: 'Messages with a larger seq, oldest first.' }),
  limit: limit.optional(),
  cursor: cursor.optional(),
  page: page.optional(),
  pageSize: pageSize.optional(),
}

interface ConversationPaging {
  before?: number | undefined
  after?: number | undefined
  limit?: number | undefined
  cursor?: string | undefined
  page?: number | undefined
  pageSize?: number | undefined
}

function checkConversationPaging(fields: ConversationPaging, context: z.core.$RefinementCtx): void {
  checkPaging(fields, context)
  for (const name of ['before', 'after'] as const) {
    if (fields[name] !== undefined && fields.page !== undefined) {
      context.addIssue({ code: 'custom', path: [name], message: 'does not go with page' })
    }
  }
}

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
  messages: query({
    summary: "List a conversation's messages",
    description: 'Newest first; with `after` oldest first. Page 10,000 costs what page 1 costs.',
    access: 'caller',
    errors: ['CONVERSATION_NOT_FOUND', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/conversations/{conversationId}/messages', status: 200 },
    input: z.strictObject({ conversationId: idRef, ...paging }).superRefine(checkConversationPaging),
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
    description: 'Newest first; with `after` oldest first. Empty before the first message.',
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
