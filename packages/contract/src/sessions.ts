import { z } from 'zod'
import { exampleAliceWithEmail } from './example-world.ts'
import { mutation } from './procedure.ts'
import { user } from './users.ts'
import { plainString, timestamp, userRef } from './values.ts'

export const sessions = {
  create: mutation({
    summary: 'Log in',
    description:
      'Answers a token for the Authorization header. Unknown user and wrong password answer alike. With `cookie`, for web pages, the token goes into the cookie `__Host-sotto` instead, which scripts cannot read and which counts only for pages of this server and of the origins that it allows; others are FORBIDDEN.',
    access: 'anyone',
    errors: ['FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/sessions', status: 201 },
    input: z.strictObject({
      username: userRef,
      // Not held to the rules for new passwords: a wrong password is UNAUTHENTICATED, however it looks.
      password: plainString.max(256, 'takes at most 256 characters'),
      cookie: z.boolean().optional(),
    }),
    output: z.object({ token: z.string().optional(), expiresAt: timestamp, user }).meta({ id: 'Session' }),
    example: {
      as: 'nobody',
      input: { username: 'alice', password: 'correct horse battery staple' },
      output: {
        token: 'st_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
        expiresAt: new Date('2026-03-02T12:00:00.000Z'),
        user: exampleAliceWithEmail,
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
}
