import { z } from 'zod'
import { exampleIds, exampleSecrets } from './example-data.ts'
import { mutation, query } from './procedure.ts'
import { exampleAlice, user } from './users.ts'
import { newPassword, profileName, secretToken, timestamp, username } from './values.ts'

const setupToken = secretToken.meta({
  description: 'The part after the # of the link that the first start or `sotto setup` prints.',
})

export const setup = {
  get: query({
    summary: 'Get the setup state',
    description:
      '`open` is true while the setup link works, or `sotto setup` prints one for an installation without users other than those of the demo. It ends with the first admin.',
    access: 'anyone',
    errors: [],
    http: { method: 'GET', path: '/v1/setup', status: 200 },
    input: z.strictObject({}),
    output: z.object({ open: z.boolean() }).meta({ id: 'Setup' }),
    example: { as: 'nobody', input: {}, output: { open: true } },
  }),
  openDemo: mutation({
    summary: 'Open the demo',
    description:
      'Adds sample users and conversations, and signs in two of the sample users for up to a day. Repeating the call with the same token signs in the same two users again. Fails with `USERNAME_TAKEN` if a user has the name of a sample user.',
    access: 'anyone',
    // Limits guesses of the token.
    limit: 'logins',
    errors: ['USERNAME_TAKEN'],
    idempotent: true,
    http: { method: 'POST', path: '/v1/setup/demo', status: 200 },
    input: z.strictObject({ token: setupToken }),
    output: z
      .object({
        people: z.array(z.object({ username: z.string(), token: z.string() })).meta({
          description: 'Two users who message each other, each with a session token.',
        }),
        expiresAt: timestamp,
      })
      .meta({ id: 'Demo' }),
    example: {
      as: 'nobody',
      input: { token: exampleSecrets.setup },
      output: {
        people: [
          { username: 'amira', token: exampleSecrets.session },
          { username: 'jonas', token: exampleSecrets.session },
        ],
        expiresAt: new Date('2026-02-01T12:00:00.000Z'),
      },
    },
  }),
  createAdmin: mutation({
    summary: 'Create the first admin',
    description: 'Invalidates the token and ends the sessions of the demo.',
    access: 'anyone',
    // Hashes a password. Also limits guesses of the token.
    limit: 'logins',
    errors: ['USERNAME_TAKEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/setup/admin', status: 201 },
    input: z.strictObject({
      token: setupToken,
      username,
      password: newPassword,
      displayName: profileName('The name shown to other users.').optional(),
    }),
    output: user,
    example: {
      as: 'nobody',
      input: {
        token: exampleSecrets.setup,
        username: 'ada',
        password: 'a long and quiet evening',
        displayName: 'Ada',
      },
      output: {
        ...exampleAlice,
        id: exampleIds.ada,
        username: 'ada',
        displayName: 'Ada',
        email: null,
      },
    },
  }),
}
