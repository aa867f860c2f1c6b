import { z } from 'zod'
import { conversation, conversationPaging, exampleConversation } from './conversations.ts'
import { exampleIds } from './example-data.ts'
import { exampleMessage, message } from './messages.ts'
import { query } from './procedure.ts'
import { cursor, idRef, limit, listOf, userRef } from './values.ts'

const conversationSummary = conversation
  .omit({ lastMessage: true, readSeq: true, unreadCount: true })
  .meta({ id: 'ConversationSummary', description: 'A conversation without message content.' })
/** A conversation without message content. */
export type ConversationSummary = z.output<typeof conversationSummary>

const {
  lastMessage: _message,
  readSeq: _readSeq,
  unreadCount: _unreadCount,
  ...exampleSummary
} = exampleConversation

/** Access to conversations for admins who are not in them. Every call is recorded in the audit log. */
export const inspection = {
  conversations: query({
    summary: "List a user's conversations as an admin",
    description:
      'The conversations the user is in, most recently active first. Each page is recorded in the audit log (`user.conversations_listed`) before it is returned.',
    access: 'admin',
    extraScopes: ['read'],
    errors: ['USER_NOT_FOUND', 'FORBIDDEN', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/users/{user}/conversations', status: 200 },
    input: z.strictObject({ user: userRef, limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(conversationSummary),
    example: { as: 'key', input: { user: 'alice' }, output: { items: [exampleSummary], nextCursor: null } },
  }),
  conversation: query({
    summary: 'Get a conversation as an admin',
    description:
      'The conversation and its participants. Recorded in the audit log (`conversation.inspected`) before it is returned.',
    access: 'admin',
    extraScopes: ['read'],
    errors: ['CONVERSATION_NOT_FOUND', 'FORBIDDEN'],
    http: { method: 'GET', path: '/v1/conversations/{conversationId}/inspection', status: 200 },
    input: z.strictObject({ conversationId: idRef }),
    output: conversationSummary,
    example: { as: 'key', input: { conversationId: exampleIds.conversation }, output: exampleSummary },
  }),
  messages: query({
    summary: "List a conversation's messages as an admin",
    description:
      'All messages, newest first, or oldest first with `after`. Each page is recorded in the audit log (`conversation.read`) before it is returned. Participants are not notified, and no message counts as delivered or read.',
    access: 'admin',
    extraScopes: ['read'],
    errors: ['CONVERSATION_NOT_FOUND', 'FORBIDDEN', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/conversations/{conversationId}/inspection/messages', status: 200 },
    input: conversationPaging,
    output: listOf(message),
    example: {
      as: 'key',
      input: { conversationId: exampleIds.conversation, page: 1, pageSize: 20 },
      output: { items: [exampleMessage], nextCursor: null },
    },
  }),
}
