import { z } from 'zod'
import { exampleIds, exampleTimes } from './example-world.ts'
import { keyScopes, mutation, query } from './procedure.ts'
import { cursor, id, idRef, instant, limit, listOf, plainString, timestamp } from './values.ts'

/** A key's name is shown in lists and in a terminal: control characters have no place there. */
const keyName = plainString
  .min(1, 'takes 1 to 128 printable characters')
  .max(128, 'takes 1 to 128 printable characters')
  .refine(
    (value) => /\S/u.test(value) && !/\p{Cc}/u.test(value),
    'takes 1 to 128 printable characters, one of them not a space',
  )
  .meta({ description: 'What the key is for.' })

const SCOPES_MESSAGE = `takes a list of ${keyScopes.join(', ')}, each once`

const scopes = z
  .array(z.enum(keyScopes, SCOPES_MESSAGE), SCOPES_MESSAGE)
  .min(1, SCOPES_MESSAGE)
  .max(keyScopes.length, SCOPES_MESSAGE)
  .refine((list) => new Set(list).size === list.length, SCOPES_MESSAGE)
  .meta({
    description:
      'What the key may do: `read` calls queries and streams, `write` calls mutations, `admin` calls what is for admins. None includes another.',
  })

const serviceKey = z
  .object({
    id,
    name: z.string(),
    scopes: z.array(z.enum(keyScopes)),
    createdAt: timestamp,
    expiresAt: timestamp.nullable(),
    lastUsedAt: timestamp.nullable(),
    revokedAt: timestamp.nullable(),
  })
  .meta({ id: 'ServiceKey', description: 'lastUsedAt is to the minute. The key itself is not kept.' })
/** A service key without the key itself, which is not kept. `lastUsedAt` is to the minute. */
export type ServiceKey = z.output<typeof serviceKey>

const exampleKey: ServiceKey = {
  id: exampleIds.key,
  name: 'reports',
  scopes: ['read'],
  createdAt: exampleTimes.sent,
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
}

export const keys = {
  create: mutation({
    summary: 'Make a service key',
    description:
      'The key is in this answer and nowhere else: it is kept hashed. A key can make no key that may do more than itself.',
    access: 'admin',
    errors: ['FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/keys', status: 201 },
    input: z.strictObject({
      name: keyName,
      scopes,
      expiresAt: instant
        .optional()
        .meta({ description: 'From when on it is not valid; never when left out.' }),
    }),
    output: serviceKey.extend({ key: z.string() }).meta({ id: 'NewServiceKey' }),
    example: {
      as: 'key',
      input: { name: 'reports', scopes: ['read'] },
      output: { ...exampleKey, key: 'sk_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
    },
  }),
  list: query({
    summary: 'List service keys',
    description:
      'Newest first, with those that were revoked or have expired. The key of the settings (SOTTO_SERVICE_KEY) is not among them.',
    access: 'admin',
    errors: ['FORBIDDEN', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/keys', status: 200 },
    input: z.strictObject({ limit: limit.optional(), cursor: cursor.optional() }),
    output: listOf(serviceKey),
    example: { as: 'key', input: {}, output: { items: [exampleKey], nextCursor: null } },
  }),
  revoke: mutation({
    summary: 'Revoke a service key',
    description:
      'It is not valid from then on, and streams that it opened end; another server notices within a second. Repeating it changes nothing.',
    access: 'admin',
    errors: ['FORBIDDEN', 'KEY_NOT_FOUND'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/keys/{keyId}', status: 204 },
    input: z.strictObject({ keyId: idRef }),
    output: z.void(),
    example: { as: 'key', input: { keyId: exampleKey.id }, output: undefined },
  }),
}
