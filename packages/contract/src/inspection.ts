import { z } from 'zod'
import { conversation, conversationPaging, exampleConversation } from './conversations.ts'
import { exampleIds } from './example-world.ts'
import { exampleMessage, message } from './messages.ts'
import { query } from './procedure.ts'
import { cursor, idRef, limit, listOf, userRef } from './values.ts'

const conversationSummary = conversation
  .omit({ lastMessage: true, readSeq: true, unreadCount: true })
  .meta({ id: 'ConversationSummary', description: 'A conversation without anything that was said in it.' })
/** A conversation without anything that was said in it. */
export type ConversationSummary = z.output<typeof conversationSummary>

const {
  lastMessage: _message,
  readSeq: _readSeq,
  unreadCount: _unreadCount,
  ...exampleSummary
} = exampleConversation

/** Conversations for who has to look into them without being in them: each look is in the audit. */
export const inspection = {
  conversations: query({
    summary: "List a user's conversations, as an admin",
    description:
      'Those that the user is in, latest activity first. Each page is written into the audit (`user.conversations_listed`) before it is answered.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/users/{user}/conversations', status: 200 },
    input: z.strictObject({ user: userRef, limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(conversationSummary),
    example: { as: 'key', input: { user: 'alice' }, output: { items: [exampleSummary], nextCursor: null } },
  }),
  conversation: query({
    summary: 'Look at a conversation, as an admin',
    description: 'Who is in it. Written into the audit (`conversation.inspected`) before it is answered.',
    access: 'admin',
    errors: ['CONVERSATION_NOT_FOUND', 'FORBIDDEN'],
    http: { method: 'GET', path: '/v1/conversations/{conversationId}/inspection', status: 200 },
    input: z.strictObject({ conversationId: idRef }),
    output: conversationSummary,
    example: { as: 'key', input: { conversationId: exampleIds.conversation }, output: exampleSummary },
  }),
  messages: query({
    summary: "Read a conversation's messages, as an admin",
    description:
      'All of them, newest first; with `after` oldest first. Each page is written into the audit (`conversation.read`) before it is answered. Nobody in the conversation is told, and nothing counts as delivered or read.',
    access: 'admin',
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
