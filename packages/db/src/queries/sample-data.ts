import { CompiledQuery, type Insertable } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { messageColumnNames, messageColumns } from '../message-table.ts'
import type { Schema } from '../schema.ts'
import type { Executor } from '../statement.ts'
import { insertRows } from './insert-rows.ts'

/*
 * Writes many rows at once, for sample data. The caller must keep numbers, counters, receipts and events consistent, as
 * the use cases would have left them.
 */

/** Rows by table, in their final state. Omitted columns get their defaults. */
export type BulkRows = { [Table in BulkTable]?: readonly Insertable<Schema[Table]>[] }

type BulkTable =
  | 'users'
  | 'conversations'
  | 'participants'
  | 'messages'
  | 'message_edits'
  | 'reactions'
  | 'receipts'
  | 'events'

/** In an order that satisfies foreign keys. A later batch may write the rows of tables with a key again. */
const tables: readonly { name: BulkTable; key?: readonly string[] }[] = [
  { name: 'users', key: ['id'] },
  { name: 'conversations', key: ['id'] },
  { name: 'participants', key: ['conversation_id', 'user_id', 'first_event_id'] },
  { name: 'messages' },
  { name: 'message_edits' },
  { name: 'reactions' },
  { name: 'receipts' },
  { name: 'events' },
]

/**
 * Writes rows into many tables, in the caller's transaction, which blocks all other writers on SQLite. Existing users,
 * conversations and participants are replaced; any other existing row is a unique violation.
 *
 * Takes no `EventTransaction`: the events are as old as the rest of the sample data, so no reader waits for them.
 */
export async function write(trx: Executor, rows: BulkRows): Promise<void> {
  if (isPostgres(trx)) await trx.executeQuery(CompiledQuery.raw(WITHOUT_TRIGGERS))
  for (const { name, key } of tables) {
    // Rows are typed where they are created. From here on they are only names and values.
    const part = rows[name] as readonly Readonly<Record<string, unknown>>[] | undefined
    const [first] = part ?? []
    if (!part || !first) continue
    await insertRows(trx, { name, columns: Object.keys(first), jsonColumns, replacedBy: key }, part)
  }
}

/**
 * Disables foreign key checks for this transaction, if the database user may. Checking row by row would take longer
 * than everything else, and the caller has ensured consistency.
 */
const WITHOUT_TRIGGERS = `select set_config('session_replication_role', 'replica', true)
  where has_parameter_privilege('session_replication_role', 'set')`

/** Among these tables, only messages have JSON columns. */
const jsonColumns = messageColumnNames.filter((name) => messageColumns[name] === 'json')

/** The size of a database. Counts every row, so not for use in requests. */
export async function count(
  db: Executor,
): Promise<{ users: number; conversations: number; messages: number }> {
  const { users } = await db
    .selectFrom('users')
    .select((eb) => eb.fn.countAll<number>().as('users'))
    .executeTakeFirstOrThrow()
  const { conversations, messages } = await db
    .selectFrom('conversations')
    .select((eb) => [
      eb.fn.countAll<number>().as('conversations'),
      eb.fn.coalesce(eb.fn.sum<number>('last_seq'), eb.lit(0)).as('messages'),
    ])
    .executeTakeFirstOrThrow()
  return { users, conversations, messages: Number(messages) }
}
