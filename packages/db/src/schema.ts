import type { LogType } from '@sotto/contract'
import type { Generated } from 'kysely'
import type { MessageTable } from './message-table.ts'

/*
 * Columns are snake_case on both sides of Kysely, so the names here are the names in the database.
 *
 * Times are Dates here: integers (milliseconds since 1970) on SQLite, timestamptz(3) on PostgreSQL. A column name ends
 * with `_at` if and only if it holds a time: the SQLite driver recognizes times by it.
 */

export interface Schema {
  setup: SetupTable
  users: UserTable
  last_seen: LastSeenTable
  sessions: SessionTable
  second_factors: SecondFactorTable
  recovery_codes: RecoveryCodeTable
  password_resets: PasswordResetTable
  invitations: InvitationTable
  service_keys: ServiceKeyTable
  conversations: ConversationTable
  conversation_names: ConversationNameTable
  conversation_keys: ConversationKeyTable
  participants: ParticipantTable
  contacts: ContactTable
  blocks: BlockTable
  messages: MessageTable
  message_edits: MessageEditTable
  reactions: ReactionTable
  receipts: ReceiptTable
  events: EventTable
  event_log: EventLogTable
  audit: AuditTable
  jobs: JobTable
  leases: LeaseTable
  webhooks: WebhookTable
  webhook_deliveries: WebhookDeliveryTable
  import_progress: ImportProgressTable
  schema_requirements: SchemaRequirementTable
  statistics_days: StatisticsDayTable
  active_users: ActiveUserTable
  statistics_place: StatisticsPlaceTable
}

/** One row, created by the first start: how the first admin is created, and the demo data. */
export interface SetupTable {
  /** Always 1. */
  id: number
  /** SHA-256 of the token with which the first admin is created. Null before it is issued and after it is used. */
  token_hash: string | null
  token_expires_at: Date | null
  /** When the demo data was requested, and when it was complete. */
  demo_started_at: Date | null
  demo_filled_at: Date | null
}

/** When a user's last stream ended, or, if their server failed, when it began. */
export interface LastSeenTable {
  user_id: string
  seen_at: Date
}

export interface UserTable {
  id: string
  username: string
  /** The user's id in the host's own system. Compared exactly. Unique among users who are not erased. */
  external_id: string | null
  display_name: string | null
  /** display_name as `foldName` returns it, for search. */
  display_name_key: string | null
  first_name: string | null
  last_name: string | null
  email: string | null
  /** email as `foldEmail` returns it. This one is unique. */
  email_key: string | null
  avatar_url: string | null
  password_hash: string | null
  /** The role on the server, not in a conversation. */
  role: 'user' | 'admin'
  /** When the account was disabled. Null if it is enabled. */
  disabled_at: Date | null
  /** When the user was erased. The row remains because other users' data refers to it. */
  erased_at: Date | null
  created_at: Date
  updated_at: Date
}

interface SessionTable {
  id: string
  user_id: string
  /** SHA-256 of the token. The token has 256 random bits, so a fast hash is safe. */
  token_hash: string
  /** The user agent of the client that signed in. */
  user_agent: string | null
  created_at: Date
  /** Accurate to the minute, so that not every use writes it. */
  last_used_at: Date
  expires_at: Date
}

/** A user's TOTP secret (time-based one-time passwords, RFC 6238). */
interface SecondFactorTable {
  user_id: string
  /** The secret, encrypted with a key that is not in the database. */
  sealed_secret: string
  /** The time step of the last code accepted. Codes of this step or earlier ones are rejected. */
  last_step: number
  created_at: Date
  /**
   * When two-factor authentication was enabled. Null until a first code proves that the user's device has the secret.
   */
  confirmed_at: Date | null
  /** The number of wrong codes in the period that began at `wrong_codes_at`. */
  wrong_codes: Generated<number>
  wrong_codes_at: Date | null
  /** Remains after the period has ended, to inform the user. */
  last_wrong_code_at: Date | null
}

/** A code that replaces a TOTP code once. Its row is deleted on use. */
interface RecoveryCodeTable {
  user_id: string
  /** SHA-256 of the user's id and the code, which has 80 random bits. */
  code_hash: string
}

/** The token with which a user sets a new password without the old one. One per user. */
interface PasswordResetTable {
  user_id: string
  /** SHA-256 of the token. */
  token_hash: string
  created_at: Date
  expires_at: Date
}

interface InvitationTable {
  id: string
  /** SHA-256 of the token. */
  token_hash: string
  uses: number
  max_uses: number
  created_at: Date
  expires_at: Date
}

export interface ServiceKeyTable {
  id: string
  name: string
  /** SHA-256 of the key. */
  key_hash: string
  /** The scopes of the key, separated by spaces. */
  scopes: string
  created_at: Date
  /** When the key expires. Null if it does not. */
  expires_at: Date | null
  /** Accurate to the minute. */
  last_used_at: Date | null
  revoked_at: Date | null
}

export interface ConversationTable {
  id: string
  kind: 'direct' | 'group'
  name: string | null
  /** Both user ids, sorted. Null for a group. Known before the row exists. */
  direct_key: string | null
  last_seq: number
  /** The number of current participants. */
  participant_count: number
  created_at: Date
  /** When the last message was sent. Moves backward only after a clock was far ahead. */
  updated_at: Date
}

/**
 * A group's name before a change. Kept only if a stay ended while the group had this name, so there are never more than
 * stays.
 */
export interface ConversationNameTable {
  conversation_id: string
  /** The event of the change that replaced it. */
  event_id: number
  name: string
  replaced_at: Date
}

/** The group that a clientConversationId has created, so that a repeated call creates no other. */
interface ConversationKeyTable {
  creator_id: string
  client_conversation_id: string
  conversation_id: string
  /** SHA-256 of the name and the participants as given. */
  content_hash: string
}

/**
 * One stay of a user in a conversation. The row remains after the user leaves, and gives access to what happened until
 * then. Rejoining adds another row.
 */
export interface ParticipantTable {
  conversation_id: string
  user_id: string
  role: 'owner' | 'admin' | 'member'
  read_seq: number
  delivered_seq: number
  /**
   * The number of messages after read_seq that do not count as unread: the user's own and deleted ones. The unread
   * count is the rest up to the last message. A message to many participants therefore changes only its sender's row,
   * and no count scans the messages.
   */
  skipped_count: number
  /** The number of messages this user has ever sent to this conversation. */
  sent_count: number
  joined_at: Date
  /** The last seq before this stay. 0 if the stay began with the conversation. */
  after_seq: number
  /** The last seq of this stay. Null while it lasts. */
  until_seq: number | null
  /**
   * The first and last event of this stay. The first is 0 if the stay began with the conversation, and the last is null
   * while the stay lasts.
   */
  first_event_id: number
  last_event_id: number | null
  left_at: Date | null
  /**
   * When the last message was sent. Kept for direct conversations, where a send can afford to update both rows. Null in
   * groups, where the conversation's `updated_at` is used.
   */
  active_at: Date | null
  /** The user who added this one to the group, or created it. Null for a service key and in direct conversations. */
  added_by: string | null
}

/** How one user relates to another, from the first user's side. */
export interface ContactTable {
  user_id: string
  contact_id: string
  /**
   * `outgoing` on the side that sent a request, `incoming` on the other, `accepted` on both after that. Declining a
   * request deletes the `incoming` row and keeps the `outgoing` one.
   */
  state: 'accepted' | 'incoming' | 'outgoing'
  /** When the state last changed. */
  changed_at: Date
}

/** `user_id` has blocked `blocked_id`. */
export interface BlockTable {
  user_id: string
  blocked_id: string
  created_at: Date
}

/** The text of a message before an edit. */
export interface MessageEditTable {
  message_id: string
  /** 1 for the first edit. */
  version: number
  text: string | null
  /** When the edit replaced it. */
  replaced_at: Date
  /** The event of that edit. Null if a server of an earlier release made the edit. */
  event_id: number | null
}

export interface ReactionTable {
  message_id: string
  user_id: string
  emoji: string
  created_at: Date
}

/**
 * States that the user had received or read everything up to `seq` at `receipt_at`. The range starts after the `seq` of
 * the previous row.
 */
export interface ReceiptTable {
  conversation_id: string
  user_id: string
  kind: 'delivered' | 'read'
  seq: number
  receipt_at: Date
}

export interface EventTable {
  /** Orders the log: by commit order together with the transaction id on PostgreSQL, without it on SQLite. */
  id: Generated<number>
  type: LogType
  conversation_id: string | null
  /** The only user the event is for. Null if it is for all participants of the conversation. */
  audience_user_id: string | null
  /** The user who caused the event, or whom it is about. */
  user_id: string | null
  message_id: string | null
  /** The position in the conversation: the seq of the message, or of the receipt. */
  seq: number | null
  /** Data specific to the type: the emoji of a reaction, the role of a participant. */
  detail: string | null
  created_at: Date
}

/** One row: the epoch of the log. */
interface EventLogTable {
  epoch: string
}

/**
 * Privileged actions: who did what to whom, when, and from which address. Contains only ids, so an erase does not
 * affect it. The database rejects updates and deletes.
 */
export interface AuditTable {
  id: string
  actor_kind: 'user' | 'key' | 'command' | 'server'
  /** The user, or the service key; null for a command and the server itself. */
  actor_id: string | null
  /** The user a service key acted for. */
  acting_for_id: string | null
  action: string
  /** The id of the user, key or conversation acted on. */
  subject_id: string | null
  /** The client address of the request. */
  address: string | null
  request_id: string | null
  created_at: Date
}

/** A background job. It survives restarts of the server. */
export interface JobTable {
  kind: string
  /** The id of the user it is for, or the kind if there is one job for the whole installation. */
  subject_id: string
  /** JSON of the progress, written together with each part of the work. Null before the first. */
  progress: string | null
  /** When the job is due. The server running it keeps this in the future, so that no other server picks it up. */
  due_at: Date
  /** The number of failures since the last progress. */
  failures: number
  /** The error code of the last failure. Never its message, which may contain the data the job works on. */
  last_error: string | null
  created_at: Date
  /** Null until the job is done. */
  finished_at: Date | null
}

/** A task that only one server at a time may run, and which server that is. */
interface LeaseTable {
  name: string
  /** A random id that the server generates on start. */
  holder: string
  /** When the lease expires unless renewed. */
  expires_at: Date
}

/** A URL to which events are sent. */
export interface WebhookTable {
  id: string
  url: string
  description: string | null
  /** Event types, separated by spaces. Null for all types, including future ones. */
  events: string | null
  /** The signing secret, encrypted with a key that is not in the database. */
  sealed_secret: string
  /** The previous secret. Deliveries are signed with both until `previous_secret_ends_at`. */
  previous_sealed_secret: string | null
  previous_secret_ends_at: Date | null
  /** When the webhook was disabled. Null while it is enabled. */
  disabled_at: Date | null
  /** `gone` if the receiver answered with status 410. Null while the webhook is enabled. */
  disabled_reason: 'admin' | 'gone' | null
  /** The epoch that the log position belongs to. */
  log_epoch: string
  /** The last event that was queued for delivery or skipped. `xid` as in LogPosition. */
  place_xid: string
  place_id: number
  /** When that event was written. Retention does not remove later events. */
  place_at: Date
  created_at: Date
  updated_at: Date
  /** When the webhook was deleted. It is no longer listed, and the row is removed after its deliveries. */
  deleted_at: Date | null
}

/** One event to be sent to one webhook. Holds ids and positions like the event log, never message text. */
export interface WebhookDeliveryTable {
  id: string
  webhook_id: string
  /** The event's id in the log; null for a test. */
  event_id: number | null
  type: LogType | 'webhook.test'
  conversation_id: string | null
  audience_user_id: string | null
  user_id: string | null
  message_id: string | null
  seq: number | null
  detail: string | null
  event_at: Date
  state: 'pending' | 'delivered' | 'failed'
  /** The number of attempts since it was created or last requested again. */
  attempts: number
  /** The HTTP status of the last response. Null without a response. */
  last_status: number | null
  /** Why the last attempt failed, in the server's words. Never text from the receiver. */
  last_error: string | null
  /** When the next attempt is due. Null if there is none. */
  due_at: Date | null
  delivered_at: Date | null
  created_at: Date
}

/** One row while an import is in progress, updated with each part of it. No row otherwise. */
interface ImportProgressTable {
  /** Always 1. */
  id: number
  /** The export being imported. */
  export_id: string
  /** The number of its lines that are in the database. */
  lines: number
  started_at: Date
}

interface SchemaRequirementTable {
  migration: string
  /** The oldest migration that a server must know to work with that one. */
  serves_from: string
}

/** Activity per day, up to the last event counted. A day without activity has no row. */
interface StatisticsDayTable {
  /** The start of the day, in UTC. */
  day_at: Date
  message_count: number
  active_count: number
}

/**
 * The users already counted as active on a day. Rows are deleted two days later, when no more events of that day can
 * arrive.
 */
interface ActiveUserTable {
  day_at: Date
  user_id: string
}

/** One row: the last event included in the statistics. `xid` as in LogPosition. */
interface StatisticsPlaceTable {
  /** The epoch that the log position belongs to. */
  log_epoch: string
  place_xid: string
  place_id: number
}
