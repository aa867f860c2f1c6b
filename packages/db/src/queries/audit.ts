import type { AuditTable } from '../schema.ts'
import type { Executor } from '../statement.ts'

export type AuditRow = AuditTable

/** Writes down a privileged act, in the transaction that does it. */
export async function insertAudit(trx: Executor, row: AuditRow): Promise<void> {
  await trx.insertInto('audit').values(row).execute()
}
