import { z } from 'zod'
import { exampleSecrets } from './example-world.ts'
import { mutation } from './procedure.ts'
import { recoveryCode, totpCode, userRef } from './values.ts'

/** The second factor: time-based one-time passwords (TOTP, RFC 6238). */
export const totp = {
  start: mutation({
    summary: 'Start a second factor',
    description:
      'Answers what an authenticator app has to know, this once; it is not asked for before it is confirmed. Starting again replaces what was not confirmed. A server on PostgreSQL needs the setting SOTTO_SECRET for it, and is UNAVAILABLE here without.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/me/totp', status: 201 },
    input: z.strictObject({}),
    output: z
      .object({
        secret: z.string().meta({ description: 'In Base32, for typing it in.' }),
        uri: z.string().meta({ format: 'uri', description: 'The same for a QR code.' }),
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
    summary: 'Turn the second factor on',
    description:
      'With a first code, which shows that the app has the secret. Answers ten recovery codes, this once: each stands in for a code once. From now on a password alone logs nobody in, over basic authentication neither.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED'],
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
    summary: 'Turn the second factor off',
    description: 'With a code, or with a recovery code.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/me/totp/disable', status: 204 },
    input: z
      .strictObject({ code: totpCode.optional(), recoveryCode: recoveryCode.optional() })
      .refine(({ code, recoveryCode }) => (code === undefined) !== (recoveryCode === undefined), {
        path: ['code'],
        message: 'takes a code, or else a recoveryCode',
      }),
    output: z.void(),
    example: { as: 'alice', input: { code: exampleSecrets.totpCode }, output: undefined },
  }),
  remove: mutation({
    summary: "Turn a user's second factor off",
    description: 'For one who has lost their device and their recovery codes.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/users/{user}/totp', status: 204 },
    input: z.strictObject({ user: userRef }),
    output: z.void(),
    example: { as: 'key', input: { user: 'alice' }, output: undefined },
  }),
}
