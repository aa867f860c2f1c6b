import { z } from 'zod'
import { exampleIds, exampleTimes } from './example-world.ts'
import { query } from './procedure.ts'
import { cursor, id, instant, limit, listOf, plainString, timestamp } from './values.ts'

/** A user by name or id, a service key by id, or `environment` for the key of the settings. */
const auditRef = plainString
  .min(1, 'takes a username or an id')
  .max(255, 'takes a username or an id')
  .toLowerCase()

const auditEntry = z
  .object({
    id,
    at: timestamp,
    actorKind: z.enum(['user', 'key', 'command', 'server']),
    actorId: z.string().nullable(),
    actingForId: id.nullable(),
    action: z.string(),
    subjectId: z.string().nullable(),
    address: z.string().nullable(),
    requestId: z.string().nullable(),
  })
  .meta({
    id: 'AuditEntry',
    description:
      'actorId is of the user or the service key (environment: the key of the settings), null for a command and the server itself. actingForId is whom a key acted for. subjectId is what it was done to. address is where the request came from.',
  })
/** A privileged act, as it was written down. */
export type AuditEntry = z.output<typeof auditEntry>

/** The making of exampleKey, by the key of the settings. */
export const exampleAct: AuditEntry = {
  id: exampleIds.act,
  at: exampleTimes.sent,
  actorKind: 'key',
  actorId: 'environment',
  actingForId: null,
  action: 'key.created',
  subjectId: exampleIds.key,
  address: '127.0.0.1',
  requestId: '5b0c1c6e-3f0d-4a53-9d0b-6d1f2f0c7a11',
}

export const audit = {
  list: query({
    summary: 'Read the audit',
    description:
      'What was done by privilege, newest first: in ids alone, and never changed. Every filter can be combined.',
    access: 'admin',
    errors: ['FORBIDDEN', 'USER_NOT_FOUND', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/audit', status: 200 },
    input: z.strictObject({
      actor: auditRef
        .optional()
        .meta({ description: 'Who did it: a user (username or id), a service key (id), or `environment`.' }),
      subject: auditRef
        .optional()
        .meta({ description: 'What it was done to: a user (username or id), or the id of anything else.' }),
      action: plainString
        .min(1, 'takes the name of an action, such as key.created')
        .max(64, 'takes the name of an action, such as key.created')
        .optional()
        .meta({ description: 'What was done, such as `key.created`.' }),
      since: instant.optional().meta({ description: 'From this moment on.' }),
      until: instant.optional().meta({ description: 'Before this moment.' }),
      limit: limit.optional(),
      cursor: cursor.optional(),
    }),
    output: listOf(auditEntry),
    example: {
      as: 'key',
      input: { subject: exampleIds.key, action: 'key.created' },
      output: { items: [exampleAct], nextCursor: null },
    },
  }),
}
