import { CompiledQuery, type Insertable } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { messageColumnNames, messageColumns } from '../message-table.ts'
import type { Schema } from '../schema.ts'
import type { Executor } from '../statement.ts'
import { insertRows } from './insert-rows.ts'

/*
 * Writing many rows at once, for sample data. The caller sees to it that they agree with each other:
 * numbers, counters, receipts and events, as the use cases would have left them.
 */

/** A row for each table, as it stands afterwards. Columns that are left out take the database's default. */
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

/** In an order that foreign keys allow; users and conversations may be written again by a later part. */
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
 * Writes rows of many tables, in one transaction that the caller opens, which on SQLite keeps everybody else from
 * writing. Users, conversations and participants that exist are replaced; any other row that exists is a unique violation.
 *
 * Not an `EventTransaction`: its events are as old as the rest of the sample data, so no reader waits for them.
 */
export async function write(trx: Executor, rows: BulkRows): Promise<void> {
  if (isPostgres(trx)) await trx.executeQuery(CompiledQuery.raw(WITHOUT_TRIGGERS))
  for (const { name, key } of tables) {
    // What a row holds is checked where it is made; from here on it is names and values.
    const part = rows[name] as readonly Readonly<Record<string, unknown>>[] | undefined
    const [first] = part ?? []
    if (!part || !first) continue
    await insertRows(trx, { name, columns: Object.keys(first), jsonColumns, replacedBy: key }, part)
  }
}

/**
 * For this transaction, and where this user may: checking the foreign keys row by row would take longer than all
 * the rest, and the caller has seen to them.
 */
const WITHOUT_TRIGGERS = `select set_config('session_replication_role', 'replica', true)
  where has_parameter_privilege('session_replication_role', 'set')`

/** Of these tables, messages alone have columns that hold JSON. */
const jsonColumns = messageColumnNames.filter((name) => messageColumns[name] === 'json')

/** How much there is in a database. Counts every row: for people, not for requests. */
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
