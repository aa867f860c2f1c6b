import { z } from 'zod'
import { mutation, query } from './procedure.ts'
import { exampleAlice, publicUser } from './users.ts'
import { cursor, limit, listOf, timestamp, userRef } from './values.ts'

export const block = z.object({ user: publicUser, since: timestamp }).meta({ id: 'Block' })
/** A user that the actor has blocked. */
export type Block = z.output<typeof block>

export const blocks = {
  list: query({
    summary: 'List blocked users',
    description: 'The users the actor has blocked, newest first. Users cannot see who has blocked them.',
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
      'Once this returns, neither user can send messages or react in their direct conversation, send the other a contact request, add the other to a group, or see when the other is online or typing. Removes the contact and declines any pending request. Existing messages remain; their senders can still delete them, but not edit them. In groups that both users are in, they still see each other’s messages, but no longer when the other is typing or has read a message. Blocking the same user again has no effect.',
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
    description: 'Does not restore a contact that the block removed. Succeeds if the user is not blocked.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/blocks/{user}', status: 204 },
    input: z.strictObject({ user: userRef }),
    output: z.void(),
    example: { as: 'bob', input: { user: 'alice' }, output: undefined },
  }),
}
