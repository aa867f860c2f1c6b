import { z } from 'zod'
import { exampleIds, exampleLogIn, exampleSecrets } from './example-world.ts'
import { mutation, query } from './procedure.ts'
import { exampleAliceWithEmail, user } from './users.ts'
import {
  cursor,
  id,
  idRef,
  limit,
  listOf,
  recoveryCode,
  shownPassword,
  timestamp,
  totpCode,
  userRef,
} from './values.ts'

const openSession = z
  .object({
    id,
    userAgent: z.string().nullable().meta({ description: 'What the client that logged in called itself.' }),
    createdAt: timestamp,
    lastUsedAt: timestamp.meta({ description: 'To the minute.' }),
    expiresAt: timestamp,
    current: z.boolean().meta({ description: 'The one whose token the request carries.' }),
  })
  .meta({ id: 'OpenSession' })

export const sessions = {
  create: mutation({
    summary: 'Log in',
    description:
      'Answers a token for the Authorization header. Unknown user, wrong password and disabled user answer alike. Who has a second factor gives a code or a recovery code as well; where the password is right and neither is there, it is SECOND_FACTOR_REQUIRED. With `cookie`, for web pages, the token goes into the cookie `__Host-sotto` instead, which scripts cannot read and which counts only for pages of this server and of the origins that it allows; others are FORBIDDEN.',
    access: 'anyone',
    errors: ['SECOND_FACTOR_REQUIRED', 'FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/sessions', status: 201 },
    input: z
      .strictObject({
        username: userRef,
        password: shownPassword,
        code: totpCode.optional(),
        recoveryCode: recoveryCode.optional(),
        cookie: z.boolean().optional(),
      })
      .refine(({ code, recoveryCode }) => code === undefined || recoveryCode === undefined, {
        path: ['recoveryCode'],
        message: 'is taken instead of code, not besides',
      }),
    output: z.object({ token: z.string().optional(), expiresAt: timestamp, user }).meta({ id: 'Session' }),
    example: {
      as: 'nobody',
      input: { username: 'alice', password: 'correct horse battery staple' },
      output: {
        token: exampleSecrets.session,
        expiresAt: exampleLogIn.expiresAt,
        user: exampleAliceWithEmail,
      },
    },
  }),
  list: query({
    summary: 'List where one is logged in',
    description: "One's own sessions that have not ended, newest first.",
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
            createdAt: exampleLogIn.at,
            lastUsedAt: exampleLogIn.at,
            expiresAt: exampleLogIn.expiresAt,
            current: true,
          },
        ],
        nextCursor: null,
      },
    },
  }),
  end: mutation({
    summary: 'Log out',
    description: 'Ends the session whose token the request carries.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED'],
    idempotent: false,
    http: { method: 'DELETE', path: '/v1/sessions/current', status: 204 },
    input: z.strictObject({}),
    output: z.void(),
    example: { as: 'alice', input: {}, output: undefined },
  }),
  revoke: mutation({
    summary: "End one of one's sessions",
    description: 'At once on this server, within a second on others; its streams end within two.',
    access: 'actor',
    errors: ['ACTOR_REQUIRED', 'SESSION_NOT_FOUND'],
    idempotent: false,
    http: { method: 'DELETE', path: '/v1/sessions/{sessionId}', status: 204 },
    input: z.strictObject({ sessionId: idRef }),
    output: z.void(),
    example: { as: 'alice', input: { sessionId: exampleIds.session }, output: undefined },
  }),
  listOf: query({
    summary: 'List where a user is logged in',
    description: 'Their sessions that have not ended, newest first.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/users/{user}/sessions', status: 200 },
    input: z.strictObject({ user: userRef, limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(openSession),
    example: { as: 'key', input: { user: 'bob' }, output: { items: [], nextCursor: null } },
  }),
  endAllOf: mutation({
    summary: 'Log a user out everywhere',
    description:
      'For one whose device is lost. At once on this server, within a second on others; their streams end within two.',
    access: 'admin',
    errors: ['USER_NOT_FOUND', 'FORBIDDEN'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/users/{user}/sessions', status: 204 },
    input: z.strictObject({ user: userRef }),
    output: z.void(),
    example: { as: 'key', input: { user: 'bob' }, output: undefined },
  }),
}
