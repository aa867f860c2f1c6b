import { z } from 'zod'
import { exampleSecrets } from './example-data.ts'
import { mutation } from './procedure.ts'
import { existingPassword, newPassword, secretToken, timestamp, userRef } from './values.ts'

export const passwords = {
  set: mutation({
    summary: 'Change a password',
    description:
      'Users change their own password and must provide the current one. A bare key can set the password of any user. A key needs the scopes `read` and `write`, because a user who signs in can do both, and also `admin` if the user is an admin. Ends all other sessions of the user.',
    access: 'caller',
    extraScopes: ['read'],
    grantsAccess: true,
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: false,
    http: { method: 'PUT', path: '/v1/users/{user}/password', status: 204 },
    input: z.strictObject({
      user: userRef,
      currentPassword: existingPassword
        .optional()
        .meta({ description: 'Required if the user has a password, except for bare keys.' }),
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
    summary: 'Create a password reset token',
    description:
      'For a user who has forgotten their password: pass the token on to them. It is shown only once, can be used once within an hour, and replaces any earlier one. A key needs all scopes, because the token lets its holder sign in.',
    access: 'admin',
    extraScopes: ['read', 'write'],
    grantsAccess: true,
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
    summary: 'Reset a password',
    description:
      'Sets a new password with a password reset token. Ends all sessions of the user. Two-factor authentication stays on.',
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
