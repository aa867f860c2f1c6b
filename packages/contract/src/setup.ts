import { z } from 'zod'
import { exampleIds, exampleSecrets } from './example-world.ts'
import { mutation, query } from './procedure.ts'
import { exampleAlice, user } from './users.ts'
import { newPassword, profileName, secretToken, timestamp, username } from './values.ts'

const setupToken = secretToken.meta({
  description: 'What stands behind the # of the link that the first start prints, or `sotto setup`.',
})

export const setup = {
  get: query({
    summary: 'See whether anybody is here yet',
    description: 'Open is an installation whose only users, if any, are those of the demo.',
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
      'Fills an installation that nobody uses yet with sample users and their conversations, and logs two of them in, for a day at most. Again with the same token: the same two, logged in once more.',
    access: 'anyone',
    // Its token is a secret to guess.
    limit: 'logins',
    errors: [],
    idempotent: true,
    http: { method: 'POST', path: '/v1/setup/demo', status: 200 },
    input: z.strictObject({ token: setupToken }),
    output: z
      .object({
        people: z.array(z.object({ username: z.string(), token: z.string() })).meta({
          description: 'Two who write to each other, each with the token of a session.',
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
    summary: 'Make the first user, an admin',
    description: 'Uses the token up, and ends the sessions of the demo.',
    access: 'anyone',
    // It hashes a password, and its token is a secret to guess.
    limit: 'logins',
    errors: ['USERNAME_TAKEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/setup/admin', status: 201 },
    input: z.strictObject({
      token: setupToken,
      username,
      password: newPassword,
      displayName: profileName('The name to show.').optional(),
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
