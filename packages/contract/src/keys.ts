import { z } from 'zod'
import { exampleIds, exampleTimes } from './example-data.ts'
import { keyScopes, mutation, query } from './procedure.ts'
import { hasVisibleCharacter, isSingleLine } from './unicode.ts'
import { cursor, id, idRef, instant, limit, listOf, plainString, timestamp } from './values.ts'

/** Without control characters, because names are printed in terminals. */
const keyName = plainString
  .min(1, 'must be 1 to 128 printable characters')
  .max(128, 'must be 1 to 128 printable characters')
  .refine(
    (value) => hasVisibleCharacter(value) && isSingleLine(value),
    'must be 1 to 128 printable characters, at least one of them visible',
  )
  .meta({ description: 'What the key is for.' })

const SCOPES_MESSAGE = `must be a list of one or more of ${keyScopes.join(', ')}, without duplicates`

const scopes = z
  .array(z.enum(keyScopes, SCOPES_MESSAGE), SCOPES_MESSAGE)
  .min(1, SCOPES_MESSAGE)
  .max(keyScopes.length, SCOPES_MESSAGE)
  .refine((list) => new Set(list).size === list.length, SCOPES_MESSAGE)
  .meta({
    description:
      'What the key can do: `read` allows queries and streams, `write` allows mutations, and `admin` allows admin operations. No scope includes another.',
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
  .meta({
    id: 'ServiceKey',
    description: 'lastUsedAt is accurate to the minute. The key itself is not stored.',
  })
/** A service key without the key itself, which is not stored. `lastUsedAt` is accurate to the minute. */
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
    summary: 'Create a service key',
    description:
      'Returns the key, which is shown only once because only its hash is stored. FORBIDDEN if a key requests a scope that it does not have itself, or an admin requests another scope than `admin`: a key with `read` or `write` would let them read conversations without a record in the audit log. Such keys are created with another key or with `sotto key create`.',
    access: 'admin',
    grantsAccess: true,
    errors: ['FORBIDDEN'],
    idempotent: false,
    http: { method: 'POST', path: '/v1/keys', status: 201 },
    input: z.strictObject({
      name: keyName,
      scopes,
      expiresAt: instant
        .optional()
        .meta({ description: 'When the key expires. It never expires if omitted.' }),
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
      'Newest first, including revoked and expired keys. The key set in SOTTO_SERVICE_KEY is not included.',
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
      'Takes effect immediately on this server, and within a second on others. Streams opened with the key end. Repeating the call has no effect.',
    access: 'admin',
    errors: ['FORBIDDEN', 'KEY_NOT_FOUND'],
    idempotent: true,
    http: { method: 'DELETE', path: '/v1/keys/{keyId}', status: 204 },
    input: z.strictObject({ keyId: idRef }),
    output: z.void(),
    example: { as: 'key', input: { keyId: exampleKey.id }, output: undefined },
  }),
}
