import { z } from 'zod'
import { exampleIds, exampleSecrets, exampleSignIn } from './example-data.ts'
import { mutation, query } from './procedure.ts'
import { exampleAliceWithEmail, user } from './users.ts'
import {
  cursor,
  existingPassword,
  id,
  idRef,
  limit,
  listOf,
  recoveryCode,
  timestamp,
  totpCode,
  userRef,
} from './values.ts'

const openSession = z
  .object({
    id,
    userAgent: z.string().nullable().meta({ description: 'The User-Agent header of the sign-in.' }),
    createdAt: timestamp,
    lastUsedAt: timestamp.meta({ description: 'Accurate to the minute.' }),
    expiresAt: timestamp,
    current: z.boolean().meta({ description: 'Whether this is the session of the request.' }),
  })
  .meta({ id: 'OpenSession' })

export const sessions = {
  create: mutation({
    summary: 'Sign in',
    description:
      'Returns a token for the Authorization header. The error is the same for an unknown user, a wrong password and a disabled user. Users with two-factor authentication also provide a code or a recovery code. SECOND_FACTOR_REQUIRED if the password is correct but both are missing. With `cookie`, for web pages, the token is set as the cookie `__Host-sotto` instead, which scripts cannot read and which is accepted only from pages of this server and of its allowed origins. FORBIDDEN for other origins.',
    access: 'anyone',
    errors: ['SECOND_FACTOR_REQUIRED', 'FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/sessions', status: 201 },
    input: z
      .strictObject({
        username: userRef,
        password: existingPassword,
        code: totpCode.optional(),
        recoveryCode: recoveryCode.optional(),
        cookie: z.boolean().optional(),
      })
      .refine(({ code, recoveryCode }) => code === undefined || recoveryCode === undefined, {
        path: ['recoveryCode'],
        message: 'cannot be combined with code',
      }),
    output: z.object({ token: z.string().optional(), expiresAt: timestamp, user }).meta({ id: 'Session' }),
    example: {
      as: 'nobody',
      input: { username: 'alice', password: 'correct horse battery staple' },
      output: {
        token: exampleSecrets.session,
        expiresAt: exampleSignIn.expiresAt,
        user: exampleAliceWithEmail,
      },
    },
  }),
  list: query({
    summary: 'List your sessions',
    description: "The actor's active sessions, newest first.",
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/sessions', status: 200 },
    input: z.strictObject({ limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(openSession),
    example: {
      as: 'alice',
      input: {},
      output: {
        items: [
          {
            id: exampleIds.session,
            userAgent: "Alice's telephone",
            createdAt: exampleSignIn.at,
            lastUsedAt: exampleSignIn.at,
            expiresAt: exampleSignIn.expiresAt,
            current: true,
          },
        ],
        nextCursor: null,
      },
    },
  }),
  end: mutation({
    summary: 'Sign out',
    description: 'Ends the session of the request.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED'],
    idempotent: false,
    http: { method: 'DELETE', path: '/v1/sessions/current', status: 204 },
    input: z.strictObject({}),
    output: z.void(),
    example: { as: 'alice', input: {}, output: undefined },
  }),
  revoke: mutation({
    summary: 'End one of your sessions',
    description:
      'Takes effect immediately on this server, and within a second on others. Streams of the session end within two seconds.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'SESSION_NOT_FOUND'],
    idempotent: false,
    http: { method: 'DELETE', path: '/v1/sessions/{sessionId}', status: 204 },
    input: z.strictObject({ sessionId: idRef }),
    output: z.void(),
    example: { as: 'alice', input: { sessionId: exampleIds.session }, output: undefined },
  }),
  listOf: query({
    summary: "List a user's sessions",
    description: 'Active sessions, newest first.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/users/{user}/sessions', status: 200 },
    input: z.strictObject({ user: userRef, limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(openSession),
    example: { as: 'key', input: { user: 'bob' }, output: { items: [], nextCursor: null } },
  }),
  endAllOf: mutation({
    summary: 'Sign a user out everywhere',
    description:
      'For example, if a device is lost. Takes effect immediately on this server, and within a second on others. Streams of the user end within two seconds.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/users/{user}/sessions', status: 204 },
    input: z.strictObject({ user: userRef }),
    output: z.void(),
    example: { as: 'key', input: { user: 'bob' }, output: undefined },
  }),
}
