import { z } from 'zod'
import { block } from './blocks.ts'
import { contact } from './contacts.ts'
import { participantRoles } from './conversations.ts'
import { message } from './messages.ts'
import { mutation, query } from './procedure.ts'
import { account, exampleAliceWithEmail, exampleBob } from './users.ts'
import { cursor, id, limit, listOf, timestamp, userRef, whole } from './values.ts'

/** One line of an export. Each names the place after it, so that what broke off goes on after the last line. */
function line<Type extends string, Fields extends z.ZodRawShape>(type: Type, fields: Fields) {
  return z.object({ type: z.literal(type), ...fields, cursor: z.string() })
}

const exportLine = z
  .discriminatedUnion('type', [
    line('profile', { profile: account }),
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
        readSeq: whole,
        joinedAt: timestamp,
        leftAt: timestamp.nullable(),
      }),
    }),
    line('message', { message }),
    line('reaction', { reaction: z.object({ messageId: id, emoji: z.string(), createdAt: timestamp }) }),
    line('receipt', {
      receipt: z.object({
        conversationId: id,
        kind: z.enum(['delivered', 'read']),
        seq: whole,
        at: timestamp,
      }),
    }),
    line('end', {}),
  ])
  .meta({
    id: 'ExportLine',
    description:
      'A part of what there is of a user; `end` is the last. A stay is one time in a conversation: whoever leaves a group and comes back has two. A receipt says that everything up to seq was had, or read, at a time.',
  })
/** A part of what there is of a user. */
export type ExportLine = z.output<typeof exportLine>

/** What people may ask about the data that is theirs. Part of `users`. */
export const userData = {
  export: query({
    summary: 'Export everything of a user',
    description:
      'The profile, sessions, contacts, blocks, conversations, every message that the user has sent or may read, reactions and receipts, in this order. Asked for by the user, a bare service key, or an admin, and written into the audit. Over HTTP with `Accept: application/x-ndjson` it is all of it, one line of JSON after the other. Every line has a cursor: whatever breaks off goes on after the last line that came.',
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
            profile: { ...exampleAliceWithEmail, role: 'user', disabled: false, secondFactor: false },
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
      'By the user, a bare service key, or an admin. There is no way back. With the answer nobody can log in as the user or act for them any more, their streams end within two seconds, and the username and the email address are free. What they have said and done goes within minutes, also when the server stops meanwhile: others keep tombstones by `erased-…`, and are told of each by `message.deleted`. The audit says when it was asked for (`user.erase_accepted`) and done (`user.erased`).',
    access: 'caller',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/users/{user}', status: 204 },
    input: z.strictObject({ user: userRef }),
    output: z.void(),
    example: { as: 'key', input: { user: exampleBob.username }, output: undefined },
  }),
}
