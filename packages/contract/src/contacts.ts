import { z } from 'zod'
import { mutation, query } from './procedure.ts'
import { exampleAlice, exampleBob, publicUser } from './users.ts'
import { cursor, limit, listOf, timestamp, userRef } from './values.ts'

export const contactStates = ['accepted', 'incoming', 'outgoing'] as const
/** The state as one of the two users sees it: accepted, requested by the other user, or requested by this user. */
export type ContactState = (typeof contactStates)[number]

export const contact = z
  .object({
    user: publicUser,
    state: z.enum(contactStates),
    since: timestamp.meta({ description: 'When the contact entered this state.' }),
  })
  .meta({ id: 'Contact' })
/** A contact of a user, or a pending contact request in either direction. */
export type Contact = z.output<typeof contact>

const since = new Date('2026-01-31T12:00:00.000Z')

export const contacts = {
  list: query({
    summary: 'List contacts',
    description: "The actor's contacts, or pending contact requests, newest first.",
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/contacts', status: 200 },
    input: z.strictObject({
      state: z
        .enum(contactStates, `must be one of: ${contactStates.join(', ')}`)
        .optional()
        .meta({
          description: 'incoming: requests the actor has received. outgoing: requests the actor has sent.',
          default: 'accepted',
        }),
      limit: limit.optional(),
      cursor: cursor.optional(),
    }),
    output: listOf(contact),
    example: {
      as: 'bob',
      input: { state: 'incoming' },
      output: { items: [{ user: exampleAlice, state: 'incoming', since }], nextCursor: null },
    },
  }),
  add: mutation({
    summary: 'Send or accept a contact request',
    description:
      'Sends a contact request, or accepts one if the user has already sent it. Repeating the call has no effect. FORBIDDEN if either user has blocked the other.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'PUT', path: '/v1/contacts/{user}', status: 200 },
    input: z.strictObject({ user: userRef }),
    output: contact,
    example: {
      as: 'alice',
      input: { user: 'bob' },
      output: { user: exampleBob, state: 'outgoing', since },
    },
  }),
  remove: mutation({
    summary: 'Remove a contact, or decline or cancel a request',
    description:
      'Removes the contact or the pending request. The sender of a request is not notified when it is declined: they still see it as outgoing, until they cancel it or receive a request from the other user. Succeeds if there is no contact.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/contacts/{user}', status: 204 },
    input: z.strictObject({ user: userRef }),
    output: z.void(),
    example: { as: 'bob', input: { user: 'alice' }, output: undefined },
  }),
}
