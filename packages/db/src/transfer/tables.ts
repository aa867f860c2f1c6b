import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import type { Schema } from '../schema.ts'
import type { Executor } from '../statement.ts'

type TableName = keyof Schema

/** How to transfer a table to another database, or why not to. */
type Rule<Name extends TableName> =
  | {
      /** Unique and not null. Rows are exported in this order. */
      key: readonly (keyof Schema[Name] & string)[]
      /** The automatically numbered column. Numbering continues after the last number of the source. */
      numbered?: keyof Schema[Name] & string
      /** Columns that the target database fills in. */
      leftOutColumns?: readonly string[]
    }
  | { leftOut: string }

/**
 * The contents of an export. Every table must be listed, after the tables it references; a missing table is a compile
 * error.
 */
const rules: { readonly [Name in TableName]: Rule<Name> } = {
  users: { key: ['id'] },
  last_seen: { key: ['user_id'] },
  sessions: { key: ['id'] },
  second_factors: { key: ['user_id'] },
  recovery_codes: { key: ['user_id', 'code_hash'] },
  password_resets: { key: ['user_id'] },
  invitations: { key: ['id'] },
  service_keys: { key: ['id'] },
  conversations: { key: ['id'] },
  conversation_keys: { key: ['creator_id', 'client_conversation_id'] },
  conversation_names: { key: ['conversation_id', 'event_id'] },
  participants: { key: ['conversation_id', 'user_id', 'first_event_id'] },
  contacts: { key: ['user_id', 'contact_id'] },
  blocks: { key: ['user_id', 'blocked_id'] },
  messages: { key: ['conversation_id', 'seq'] },
  message_edits: { key: ['message_id', 'version'] },
  reactions: { key: ['message_id', 'user_id', 'emoji'] },
  receipts: { key: ['conversation_id', 'user_id', 'kind', 'seq'] },
  // Stays refer to event ids, so those are kept. Transaction ids belong to the source database.
  events: { key: ['id'], numbered: 'id', leftOutColumns: ['xid'] },
  audit: { key: ['id'] },
  jobs: { key: ['kind', 'subject_id'] },
  webhooks: { key: ['id'] },
  webhook_deliveries: { key: ['id'] },
  statistics_days: { key: ['day_at'] },
  active_users: { key: ['day_at', 'user_id'] },
  setup: { leftOut: 'describes the first start of this database' },
  leases: { leftOut: 'assigns tasks to the servers of this database' },
  event_log: { leftOut: 'identifies the log, and an import starts a new one' },
  statistics_place: { leftOut: 'is a position in the log of this database' },
  import_progress: { leftOut: 'describes an import into this database' },
  schema_requirements: { leftOut: 'is filled by the migrations' },
}

/** A table in an export. */
export interface TransferTable {
  name: TableName
  /** In the order of the database. */
  columns: readonly string[]
  key: readonly string[]
  jsonColumns: readonly string[]
  textColumns: readonly string[]
  numbered: string | undefined
}

/** The tables of an export with their current columns. Referenced tables come first. */
export async function describeTransfer(db: Executor): Promise<TransferTable[]> {
  const known = await db.introspection.getTables()
  const schema = await currentSchema(db)
  return (Object.keys(rules) as TableName[]).flatMap((name) => {
    const rule = rules[name]
    if ('leftOut' in rule) return []
    const table = known.find((candidate) => candidate.name === name && candidate.schema === schema)
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

/** The tables that are not exported, and why. */
export function tablesLeftOut(): Record<string, string> {
  const leftOut = Object.entries(rules).flatMap(([name, rule]) =>
    'leftOut' in rule ? [[name, rule.leftOut] as const] : [],
  )
  const migrations = 'records the migrations of this database'
  return { ...Object.fromEntries(leftOut), migrations, migrations_lock: migrations }
}

/** The schema of our tables. The PostgreSQL database may contain other schemas. */
async function currentSchema(db: Executor): Promise<string | undefined> {
  if (!isPostgres(db)) return undefined
  const { rows } = await sql<{ name: string }>`select current_schema() as name`.execute(db)
  return rows[0]?.name
}
