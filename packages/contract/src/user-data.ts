import { z } from 'zod'
import { block } from './blocks.ts'
import { contact } from './contacts.ts'
import { participantRoles } from './conversations.ts'
import { message } from './messages.ts'
import { mutation, query } from './procedure.ts'
import { account, exampleAliceWithEmail, exampleBob } from './users.ts'
import { cursor, id, integer, limit, listOf, timestamp, userRef } from './values.ts'

/** One line of an export. Its cursor continues after it, so that an interrupted export can resume. */
function line<Type extends string, Fields extends z.ZodRawShape>(type: Type, fields: Fields) {
  return z.object({ type: z.literal(type), ...fields, cursor: z.string() })
}

const exportLine = z
  .discriminatedUnion('type', [
    line('profile', {
      profile: account,
      lastSeenAt: timestamp.nullable().meta({ description: 'When the user was last online.' }),
    }),
    line('session', {
      session: z.object({
        id,
        userAgent: z.string().nullable(),
        createdAt: timestamp,
        lastUsedAt: timestamp,
        expiresAt: timestamp,
      }),
    }),
    line('contact', { contact }),
    line('block', { block }),
    line('stay', {
      stay: z.object({
        conversationId: id,
        kind: z.enum(['direct', 'group']),
        name: z.string().nullable(),
        otherId: id.nullable().meta({ description: 'The other user of a direct conversation.' }),
        role: z.enum(participantRoles),
        readSeq: integer,
        joinedAt: timestamp,
        leftAt: timestamp.nullable(),
      }),
    }),
    line('message', { message }),
    line('edit', {
      edit: z.object({
        messageId: id,
        text: z.string().nullable().meta({ description: 'The text before the edit.' }),
        replacedAt: timestamp,
      }),
    }),
    line('reaction', { reaction: z.object({ messageId: id, emoji: z.string(), createdAt: timestamp }) }),
    line('receipt', {
      receipt: z.object({
        conversationId: id,
        kind: z.enum(['delivered', 'read']),
        seq: integer,
        at: timestamp,
      }),
    }),
    line('end', {}),
  ])
  .meta({
    id: 'ExportLine',
    description:
      'One item of a user export; the last one is `end`. A stay is one period in a conversation: a user who leaves a group and rejoins has two. An edit is an earlier version of a message that the user has sent. A receipt records when all messages up to seq were delivered or read.',
  })
/** One item of a user export. */
export type ExportLine = z.output<typeof exportLine>

/** Operations on all data of a user. Part of `users`. */
export const userData = {
  export: query({
    summary: "Export a user's data",
    description:
      'The profile, sessions, contacts, blocks, conversations, every message the user has sent or can read, earlier versions of the messages the user has sent, reactions and receipts, in this order. Recorded in the audit log. Over HTTP with `Accept: application/x-ndjson`, the response is the complete export with one JSON object per line. Every line has a cursor, so an interrupted export can resume after the last line received. FORBIDDEN unless the caller is the user, a bare key or an admin.',
    access: 'caller',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/users/{user}/export', status: 200, lines: true },
    input: z.strictObject({ user: userRef, limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(exportLine),
    example: {
      as: 'key',
      input: { user: 'alice', limit: 1 },
      output: {
        items: [
          {
            type: 'profile',
            profile: {
              ...exampleAliceWithEmail,
              role: 'user',
              disabled: false,
              secondFactor: false,
              lastWrongCodeAt: null,
            },
            lastSeenAt: null,
            cursor:
              'WyJleHBvcnQiLCJwcm9maWxlIiwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIiwiIiwxLDBd',
          },
        ],
        nextCursor:
          'WyJleHBvcnQiLCJzZXNzaW9ucyIsImZmZmZmZmZmLWZmZmYtZmZmZi1mZmZmLWZmZmZmZmZmZmZmZiIsIiIsMjUzNDAyMzAwNzk5OTk5LDBd',
      },
    },
  }),
  erase: mutation({
    summary: 'Erase a user',
    description:
      'Cannot be undone. Once this returns, no one can sign in as the user or act for them, and the username, external id and email address are available again. Streams of the user end within two seconds. Their content is erased within minutes, even if the server restarts in between: others keep tombstones from `erased-…` and receive a `message.deleted` event for each. The audit log records the request (`user.erase_accepted`) and its completion (`user.erased`). FORBIDDEN unless the caller is the user, a bare key or an admin. A key needs the scope `admin` to erase an admin.',
    access: 'caller',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/users/{user}', status: 204 },
    input: z.strictObject({ user: userRef }),
    output: z.void(),
    example: { as: 'key', input: { user: exampleBob.username }, output: undefined },
  }),
}
