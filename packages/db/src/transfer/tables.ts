import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import type { Schema } from '../schema.ts'
import type { Executor } from '../statement.ts'

type TableName = keyof Schema

/** How a table goes from one database to another, or why it does not. */
type Rule<Name extends TableName> =
  | {
      /** Unique, without nulls: the order in which its rows are written. */
      key: readonly (keyof Schema[Name] & string)[]
      /** The column that the database numbers by itself, which goes on above the last number that was given. */
      numbered?: keyof Schema[Name] & string
      /** Columns that the database gives which holds the rows. */
      leftOutColumns?: readonly string[]
    }
  | { leftOut: string }

/**
 * What an export holds. A new table needs its line here, at a place behind the tables that its rows point to: it
 * does not compile without.
 */
const rules: { readonly [Name in TableName]: Rule<Name> } = {
  users: { key: ['id'] },
  sessions: { key: ['id'] },
  second_factors: { key: ['user_id'] },
  recovery_codes: { key: ['user_id', 'code_hash'] },
  password_resets: { key: ['user_id'] },
  invitations: { key: ['id'] },
  service_keys: { key: ['id'] },
  conversations: { key: ['id'] },
  participants: { key: ['conversation_id', 'user_id', 'first_event_id'] },
  contacts: { key: ['user_id', 'contact_id'] },
  blocks: { key: ['user_id', 'blocked_id'] },
  messages: { key: ['conversation_id', 'seq'] },
  message_edits: { key: ['message_id', 'version'] },
  reactions: { key: ['message_id', 'user_id', 'emoji'] },
  receipts: { key: ['conversation_id', 'user_id', 'kind', 'seq'] },
  // Stays go from event to event, so the numbers stay. The transactions that wrote them are the other database's own.
  events: { key: ['id'], numbered: 'id', leftOutColumns: ['xid'] },
  audit: { key: ['id'] },
  jobs: { key: ['kind', 'subject_id'] },
  webhooks: { key: ['id'] },
  webhook_deliveries: { key: ['id'] },
  statistics_days: { key: ['day_at'] },
  active_users: { key: ['day_at', 'user_id'] },
  setup: { leftOut: 'is about the first start of the database that it is in' },
  leases: { leftOut: 'says which server of the database that it is in does what' },
  event_log: { leftOut: 'says which log it is, and an import begins another one' },
  statistics_place: { leftOut: 'is a place in the log of the database that it is in' },
  import_progress: { leftOut: 'speaks of the database that it is in' },
  schema_requirements: { leftOut: 'comes with the migrations' },
}

/** A table as an export holds it. */
export interface TransferTable {
  name: TableName
  /** In the database's order. */
  columns: readonly string[]
  key: readonly string[]
  jsonColumns: readonly string[]
  textColumns: readonly string[]
  numbered: string | undefined
}

/** The tables of an export, those first that the rows of others point to, with the columns that they have here. */
export async function describeTransfer(db: Executor): Promise<TransferTable[]> {
  const known = await db.introspection.getTables()
  const schema = await currentSchema(db)
  return (Object.keys(rules) as TableName[]).flatMap((name) => {
    const rule = rules[name]
    if ('leftOut' in rule) return []
    const table = known.find((one) => one.name === name && one.schema === schema)
    if (!table) throw new Error(`there is no table ${name}`)
    const columns = table.columns.filter((column) => !rule.leftOutColumns?.includes(column.name))
    const namesOf = (type: string) =>
      columns.filter(({ dataType }) => dataType === type).map((column) => column.name)
    return [
      {
        name,
        columns: columns.map((column) => column.name),
        key: rule.key,
        jsonColumns: namesOf('json'),
        textColumns: namesOf('text'),
        numbered: rule.numbered,
      },
    ]
  })
}

/** Tables of the database that are not in an export, and why. */
export function tablesLeftOut(): Record<string, string> {
  const leftOut = Object.entries(rules).flatMap(([name, rule]) =>
    'leftOut' in rule ? [[name, rule.leftOut] as const] : [],
  )
  const migrations = 'is written by the migrations of the database that it is in'
  return { ...Object.fromEntries(leftOut), migrations, migrations_lock: migrations }
}

/** Where our tables are: others may have theirs in the same PostgreSQL database. */
async function currentSchema(db: Executor): Promise<string | undefined> {
  if (!isPostgres(db)) return undefined
  const { rows } = await sql<{ name: string }>`select current_schema() as name`.execute(db)
  return rows[0]?.name
}
