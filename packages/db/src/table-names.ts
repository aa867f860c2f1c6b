import { namesOf } from './message-table.ts'
import type { Schema } from './schema.ts'

const tables: { readonly [Name in keyof Schema]: true } = {
  active_users: true,
  audit: true,
  blocks: true,
  contacts: true,
  conversation_keys: true,
  conversation_names: true,
  conversations: true,
  event_log: true,
  events: true,
  import_progress: true,
  invitations: true,
  jobs: true,
  last_seen: true,
  leases: true,
  message_edits: true,
  messages: true,
  participants: true,
  password_resets: true,
  reactions: true,
  receipts: true,
  recovery_codes: true,
  schema_requirements: true,
  second_factors: true,
  service_keys: true,
  sessions: true,
  setup: true,
  statistics_days: true,
  statistics_place: true,
  users: true,
  webhook_deliveries: true,
  webhooks: true,
}

/** All tables of the schema. */
export const tableNames = namesOf(tables)
