import { CompiledQuery, type Insertable } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import type { Schema } from '../schema.ts'
import type { Executor } from '../statement.ts'

/*
 * Writing many rows at once, for sample data and imports. The caller sees to it that they agree with each other:
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
 */
export async function writeRows(trx: Executor, rows: BulkRows): Promise<void> {
  const insert = isPostgres(trx) ? insertAsJson : insertAsValues
  if (isPostgres(trx)) await trx.executeQuery(CompiledQuery.raw(WITHOUT_TRIGGERS))
  for (const { name, key } of tables) {
    // What a row holds is checked where it is made; from here on it is names and values.
    const part = rows[name] as readonly Row[] | undefined
    const [first] = part ?? []
    if (!part || !first) continue
    await insert(trx, { name, columns: Object.keys(first), key }, part)
  }
}

/**
 * For this transaction, and where this user may: checking the foreign keys row by row would take longer than all
 * the rest, and the caller has seen to them.
 */
const WITHOUT_TRIGGERS = `select set_config('session_replication_role', 'replica', true)
  where has_parameter_privilege('session_replication_role', 'set')`

type Row = Readonly<Record<string, unknown>>

interface Target {
  name: string
  columns: readonly string[]
  /** What tells that a row exists, where it is to be replaced then. */
  key: readonly string[] | undefined
}

/** Columns that hold JSON, which travels inside of JSON as what it is. */
const jsonColumns = ['media', 'reactions']

/** One parameter for all rows: PostgreSQL's messages hold 65,535 at most, and it plans each number of them anew. */
async function insertAsJson(trx: Executor, target: Target, rows: readonly Row[]): Promise<void> {
  const names = target.columns.join(', ')
  const nested = jsonColumns.filter((column) => target.columns.includes(column))
  const plain = nested.length === 0 ? rows : rows.map((row) => withParsed(row, nested))
  await trx.executeQuery(
    CompiledQuery.raw(
      `insert into ${target.name} (${names}) select ${names} from json_populate_recordset(null::${target.name}, $1) ${onConflict(target)}`,
      [JSON.stringify(plain)],
    ),
  )
}

function withParsed(row: Row, columns: readonly string[]): Row {
  if (columns.every((column) => row[column] === null)) return row
  const parsed = columns.map((column) => [column, JSON.parse(String(row[column] ?? 'null'))])
  return { ...row, ...Object.fromEntries(parsed) }
}

/** In KiB when negative. A row goes into half a dozen indexes, whose pages would be written and read again and again. */
const LARGE_CACHE = 'pragma cache_size = -262144'

/**
 * One statement a row: one for many would have to be undoable by itself within the transaction, and what SQLite
 * keeps for that grows with the transaction.
 */
async function insertAsValues(trx: Executor, target: Target, rows: readonly Row[]): Promise<void> {
  const { name, columns } = target
  const values = columns.map(() => '?').join(', ')
  const text = `insert into ${name} (${columns.join(', ')}) values (${values}) ${onConflict(target)}`
  await trx.getExecutor().provideConnection(async (connection) => {
    await connection.executeQuery(CompiledQuery.raw(LARGE_CACHE))
    for (const row of rows) {
      const parameters = columns.map((column) => row[column])
      await connection.executeQuery(CompiledQuery.raw(text, parameters))
    }
  })
}

function onConflict({ columns, key }: Target): string {
  if (!key) return ''
  const others = columns.filter((column) => !key.includes(column))
  return `on conflict (${key.join(', ')}) do update set ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`
}

/** How much there is in a database. Counts every row: for people, not for requests. */
export async function countWorld(
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
