import { z } from 'zod'
import { mutation, query } from './procedure.ts'
import { exampleAlice, exampleBob, publicUser } from './users.ts'
import { cursor, limit, listOf, timestamp, userRef } from './values.ts'

export const contactStates = ['accepted', 'incoming', 'outgoing'] as const
/** As one of the two sees it: both have agreed, the other one has asked, or oneself has. */
export type ContactState = (typeof contactStates)[number]

export const contact = z
  .object({
    user: publicUser,
    state: z.enum(contactStates),
    since: timestamp.meta({ description: 'When it became what it is.' }),
  })
  .meta({ id: 'Contact' })
/** Another user whom one has as a contact, has asked, or was asked by. */
export type Contact = z.output<typeof contact>

const since = new Date('2026-01-31T12:00:00.000Z')

export const contacts = {
  list: query({
    summary: 'List contacts',
    description: "The actor's contacts, or requests that wait for an answer, newest first.",
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/contacts', status: 200 },
    input: z.strictObject({
      state: z
        .enum(contactStates, `takes ${contactStates.join(', ')}`)
        .optional()
        .meta({ description: 'incoming: they have asked. outgoing: the actor has.', default: 'accepted' }),
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
    summary: 'Ask for a contact, or accept',
    description:
      'Asks the user, or accepts when they have asked; two who ask each other are contacts. Repeating it changes nothing. FORBIDDEN where one of the two has blocked the other.',
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
    summary: 'Refuse, withdraw or remove a contact',
    description:
      'Ends what there is. Refusing tells the one who asked nothing: to them the request stays outgoing, until they withdraw it or the user asks them. Who is no contact is removed already.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'USER_NOT_FOUND'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/contacts/{user}', status: 204 },
    input: z.strictObject({ user: userRef }),
    output: z.void(),
    example: { as: 'bob', input: { user: 'alice' }, output: undefined },
  }),
}
