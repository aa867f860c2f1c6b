import { z } from 'zod'
import { exampleSecrets } from './example-data.ts'
import { mutation } from './procedure.ts'
import { recoveryCode, totpCode, userRef } from './values.ts'

/** Two-factor authentication with time-based one-time passwords (TOTP, RFC 6238). */
export const totp = {
  start: mutation({
    summary: 'Set up two-factor authentication',
    description:
      'Returns the secret for an authenticator app, which is shown only once. Codes are not required until it is confirmed. Calling this again replaces an unconfirmed secret. UNAVAILABLE if the server uses PostgreSQL and SOTTO_SECRET is not set.',
    access: 'actor',
    extraScopes: ['read'],
    grantsAccess: true,
    errors: ['ACTOR_REQUIRED', 'FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/me/totp', status: 201 },
    input: z.strictObject({}),
    output: z
      .object({
        secret: z.string().meta({ description: 'In Base32, for manual entry.' }),
        uri: z.string().meta({ format: 'uri', description: 'For a QR code.' }),
      })
      .meta({ id: 'TotpSecret' }),
    example: {
      as: 'alice',
      input: {},
      output: {
        secret: exampleSecrets.totp,
        uri: `otpauth://totp/Sotto:alice?issuer=Sotto&secret=${exampleSecrets.totp}&algorithm=SHA1&digits=6&period=30`,
      },
    },
  }),
  confirm: mutation({
    summary: 'Turn on two-factor authentication',
    description:
      'Requires a first code, which proves that the app has the secret. Returns ten recovery codes, which are shown only once; each can be used once instead of a code. From then on the password alone is not enough to sign in, and Basic authentication is rejected.',
    access: 'actor',
    extraScopes: ['read'],
    grantsAccess: true,
    errors: ['ACTOR_REQUIRED', 'FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/me/totp/confirm', status: 200 },
    input: z.strictObject({ code: totpCode }),
    output: z.object({ recoveryCodes: z.array(z.string()) }).meta({ id: 'RecoveryCodes' }),
    example: {
      as: 'alice',
      input: { code: exampleSecrets.totpCode },
      output: {
        recoveryCodes: Array.from({ length: 10 }, (_, index) => `3k7q-${index}m2x-vw4z-p9ht`),
      },
    },
  }),
  disable: mutation({
    summary: 'Turn off two-factor authentication',
    description: 'Requires a code or a recovery code.',
    access: 'actor',
    extraScopes: ['read'],
    grantsAccess: true,
    errors: ['ACTOR_REQUIRED', 'FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/me/totp/disable', status: 204 },
    input: z
      .strictObject({ code: totpCode.optional(), recoveryCode: recoveryCode.optional() })
      .refine(({ code, recoveryCode }) => (code === undefined) !== (recoveryCode === undefined), {
        path: ['code'],
        message: 'exactly one of code and recoveryCode is required',
      }),
    output: z.void(),
    example: { as: 'alice', input: { code: exampleSecrets.totpCode }, output: undefined },
  }),
  remove: mutation({
    summary: 'Turn off two-factor authentication for a user',
    description: 'For users who have lost their device and their recovery codes.',
    access: 'admin',
    extraScopes: ['read', 'write'],
    grantsAccess: true,
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/users/{user}/totp', status: 204 },
    input: z.strictObject({ user: userRef }),
    output: z.void(),
    example: { as: 'key', input: { user: 'alice' }, output: undefined },
  }),
}
