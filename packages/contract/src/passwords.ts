import { z } from 'zod'
import { exampleSecrets } from './example-world.ts'
import { mutation } from './procedure.ts'
import { newPassword, secretToken, shownPassword, timestamp, userRef } from './values.ts'

export const passwords = {
  set: mutation({
    summary: 'Change a password',
    description:
      "One's own, with the one that one has; or anybody's, with a bare service key (an admin's with one that has the scope admin). Ends every other session of the user.",
    access: 'caller',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: false,
    http: { method: 'PUT', path: '/v1/users/{user}/password', status: 204 },
    input: z.strictObject({
      user: userRef,
      currentPassword: shownPassword
        .optional()
        .meta({ description: 'Required of a user who has a password; a bare service key goes without.' }),
      newPassword,
    }),
    output: z.void(),
    example: {
      as: 'alice',
      input: {
        user: 'alice',
        currentPassword: 'correct horse battery staple',
        newPassword: 'an even better horse battery staple',
      },
      output: undefined,
    },
  }),
  issueReset: mutation({
    summary: "Make a token that sets a user's password",
    description:
      'For one who has forgotten theirs: hand it to them. It is told this once, can be used once within an hour, and takes the place of the one before it.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/users/{user}/password-reset', status: 201 },
    input: z.strictObject({ user: userRef }),
    output: z.object({ token: z.string(), expiresAt: timestamp }).meta({ id: 'PasswordReset' }),
    example: {
      as: 'key',
      input: { user: 'alice' },
      output: { token: exampleSecrets.passwordReset, expiresAt: new Date('2026-01-31T13:00:00.000Z') },
    },
  }),
  reset: mutation({
    summary: 'Set a password with a token',
    description: 'Ends every session of the user. A second factor stays on.',
    access: 'anyone',
    errors: [],
    idempotent: false,
    http: { method: 'POST', path: '/v1/password-resets', status: 204 },
    input: z.strictObject({ token: secretToken, newPassword }),
    output: z.void(),
    example: {
      as: 'nobody',
      input: { token: exampleSecrets.passwordReset, newPassword: 'the horse whose name I wrote down' },
      output: undefined,
    },
  }),
}
