import { z } from 'zod'
import { mutation, query } from './procedure.ts'
import { exampleAlice, publicUser } from './users.ts'
import { cursor, limit, listOf, timestamp, userRef } from './values.ts'

export const block = z.object({ user: publicUser, since: timestamp }).meta({ id: 'Block' })
/** A user whom one has blocked. */
export type Block = z.output<typeof block>

export const blocks = {
  list: query({
    summary: 'List blocked users',
    description: 'Whom the actor has blocked, newest first. Nobody is told who has blocked them.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/blocks', status: 200 },
    input: z.strictObject({ limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(block),
    example: {
      as: 'bob',
      input: {},
      output: {
        items: [{ user: exampleAlice, since: new Date('2026-01-31T12:00:00.000Z') }],
        nextCursor: null,
      },
    },
  }),
  add: mutation({
    summary: 'Block a user',
    description:
      'From the answer on neither writes or reacts to the other in their direct conversation, asks for a contact or adds the other to a group, nor sees when the other is online or typing. Ends a contact, and refuses a request. Old messages stay, and their senders may still edit and delete them; groups that both are in go on. Repeating it changes nothing.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND'],
    idempotent: true,
    http: { method: 'PUT', path: '/v1/blocks/{user}', status: 204 },
    input: z.strictObject({ user: userRef }),
    output: z.void(),
    example: { as: 'bob', input: { user: 'alice' }, output: undefined },
  }),
  remove: mutation({
    summary: 'Unblock a user',
    description:
      'A contact that the block has ended does not come back. Who is not blocked is unblocked already.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/blocks/{user}', status: 204 },
    input: z.strictObject({ user: userRef }),
    output: z.void(),
    example: { as: 'bob', input: { user: 'alice' }, output: undefined },
  }),
}
