import { z } from 'zod'
import { exampleIds, exampleTimes } from './example-data.ts'
import { query } from './procedure.ts'
import { cursor, id, instant, limit, listOf, plainString, timestamp, userRef } from './values.ts'

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
      'actorId is the id of the user or service key (environment: the key set in SOTTO_SERVICE_KEY), and null for commands and the server itself. actingForId is the user a key acted for. subjectId is the target of the action. address is where the request came from.',
  })
/** A privileged action in the audit log. */
export type AuditEntry = z.output<typeof auditEntry>

/** The entry for creating exampleKey with the key set in SOTTO_SERVICE_KEY. */
export const exampleAuditEntry: AuditEntry = {
  id: exampleIds.auditEntry,
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
    summary: 'List audit log entries',
    description:
      'Privileged actions, newest first. Entries contain only ids and never change. All filters can be combined.',
    access: 'admin',
    errors: ['FORBIDDEN', 'USER_NOT_FOUND', 'INVALID_CURSOR'],
    http: { method: 'GET', path: '/v1/audit', status: 200 },
    input: z.strictObject({
      actor: userRef.optional().meta({
        description:
          'Who performed the action: a user (username, id or `ext:` and an external id), a service key (id), or `environment`.',
      }),
      subject: userRef.optional().meta({
        description:
          'The target of the action: a user (username, id or `ext:` and an external id), or the id of anything else.',
      }),
      action: plainString
        .min(1, 'must be the name of an action, such as key.created')
        .max(64, 'must be the name of an action, such as key.created')
        .optional()
        .meta({ description: 'The action, such as `key.created`.' }),
      since: instant.optional().meta({ description: 'At or after this time.' }),
      until: instant.optional().meta({ description: 'Before this time.' }),
      limit: limit.optional(),
      cursor: cursor.optional(),
    }),
    output: listOf(auditEntry),
    example: {
      as: 'key',
      input: { subject: exampleIds.key, action: 'key.created' },
      output: { items: [exampleAuditEntry], nextCursor: null },
    },
  }),
}
