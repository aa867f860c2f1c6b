import type { AuditTable } from '../schema.ts'
import type { Executor } from '../statement.ts'
import type { TimePosition } from './inbox.ts'

export type AuditRow = AuditTable

const auditColumns = [
  'id',
  'actor_kind',
  'actor_id',
  'acting_for_id',
  'action',
  'subject_id',
  'address',
  'request_id',
  'created_at',
] as const

/** Records a privileged action in the transaction that performs it. */
export async function insert(trx: Executor, row: AuditRow): Promise<void> {
  await trx.insertInto('audit').values(row).execute()
}

export interface AuditFilter {
  actorId?: string | undefined
  subjectId?: string | undefined
  action?: string | undefined
  /** created_at >= since */
  since?: Date | undefined
}

/** Newest first. Each filter has an index in this order. With several filters, the database uses one of them. */
export async function list(
  db: Executor,
  filter: AuditFilter,
  before: TimePosition,
  limit: number,
): Promise<AuditRow[]> {
  let query = db
    .selectFrom('audit')
    .select(auditColumns)
    .where((eb) => eb(eb.refTuple('created_at', 'id'), '<', eb.tuple(before.at, before.id)))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
  if (filter.actorId !== undefined) query = query.where('actor_id', '=', filter.actorId)
  if (filter.subjectId !== undefined) query = query.where('subject_id', '=', filter.subjectId)
  if (filter.action !== undefined) query = query.where('action', '=', filter.action)
  if (filter.since !== undefined) query = query.where('created_at', '>=', filter.since)
  return query.execute()
}
