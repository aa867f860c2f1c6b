import type { LogType } from '@sotto/contract'
import type { Generated } from 'kysely'
import type { MessageTable } from './message-table.ts'

/*
 * Columns are snake_case on both sides of Kysely, so that what is read here is what stands in the database.
 * Times are Dates here: integers (milliseconds since 1970) on SQLite, timestamptz(3) on PostgreSQL. Their columns, and
 * no others, have names that end with `_at`, which is how they are known on SQLite.
 */

export interface Schema {
  setup: SetupTable
  users: UserTable
  sessions: SessionTable
  second_factors: SecondFactorTable
  recovery_codes: RecoveryCodeTable
  password_resets: PasswordResetTable
  invitations: InvitationTable
  service_keys: ServiceKeyTable
  conversations: ConversationTable
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

/** One row, from the first start on: who is to be let in where nobody is yet. */
export interface SetupTable {
  /** Always 1. */
  id: number
  /** SHA-256 of the token that the first admin is made with; null before there was one, and when it is used. */
  token_hash: string | null
  token_expires_at: Date | null
  /** When somebody asked for the demo, and when it was all there. */
  demo_started_at: Date | null
  demo_filled_at: Date | null
}

export interface UserTable {
  id: string
  username: string
  display_name: string | null
  /** display_name in lower case, for searching. */
  display_name_key: string | null
  first_name: string | null
  last_name: string | null
  email: string | null
  /** email in lower case: the unique one. */
  email_key: string | null
  avatar_url: string | null
  password_hash: string | null
  /** Of the installation, not of a conversation. */
  role: 'user' | 'admin'
  /** Since when the user cannot log in; null for everybody else. */
  disabled_at: Date | null
  /** Since when there is nobody behind this id: the row stays for what others have of them. */
  erased_at: Date | null
  created_at: Date
  updated_at: Date
}

interface SessionTable {
  id: string
  user_id: string
  /** SHA-256 of the token, which has 256 random bits: nothing to guess, so nothing to slow down. */
  token_hash: string
  /** What the client that logged in called itself. */
  user_agent: string | null
  created_at: Date
  /** To the minute: it is not written at each use. */
  last_used_at: Date
  expires_at: Date
}

/** The time-based one-time passwords (TOTP, RFC 6238) of a user. */
interface SecondFactorTable {
  user_id: string
  /** The secret, encrypted with a key that is not in the database. */
  sealed_secret: string
  /** The time step of the last code that was taken: neither it nor an earlier one is taken again. */
  last_step: number
  created_at: Date
  /** Since when it is asked for; null until a first code has shown that the user's device has the secret. */
  confirmed_at: Date | null
}

/** A code that stands in for the second factor, once: the row goes when it is used. */
interface RecoveryCodeTable {
  user_id: string
  /** SHA-256 of the user's id and the code, which has 80 random bits. */
  code_hash: string
}

/** The one token at a time with which a user without a password in hand sets another. */
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
  /** What the key may do, the contract's names with spaces between. */
  scopes: string
  created_at: Date
  /** From when on it is not valid any more; null for as long as nobody revokes it. */
  expires_at: Date | null
  /** To the minute. */
  last_used_at: Date | null
  revoked_at: Date | null
}

export interface ConversationTable {
  id: string
  kind: 'direct' | 'group'
  name: string | null
  /** Both user ids, sorted; null for a group. It exists before its row does. */
  direct_key: string | null
  last_seq: number
  /** How many are in it now. */
  participant_count: number
  created_at: Date
  /** When the last message was sent, which no later message goes back behind. */
  updated_at: Date
}

/**
 * One stay of a user in a conversation. Whoever leaves keeps the row, and with it what was said until then; whoever
 * comes back gets another one.
 */
export interface ParticipantTable {
  conversation_id: string
  user_id: string
  role: 'owner' | 'admin' | 'member'
  read_seq: number
  delivered_seq: number
  /**
   * Messages after read_seq that do not count as unread: one's own, and deleted ones. What is unread is the rest up
   * to the last message: so a message to many changes one row, its sender's, and no count ever walks the messages.
   */
  skipped_count: number
  /** Messages ever sent by this user into this conversation. */
  sent_count: number
  joined_at: Date
  /** What was said up to here was said before this stay; 0 from the beginning. */
  after_seq: number
  /** The last message of this stay; null while it lasts. */
  until_seq: number | null
  /** The first and the last event of this stay; 0 from the beginning, null while it lasts. */
  first_event_id: number
  last_event_id: number | null
  left_at: Date | null
  /**
   * When something was last sent. Kept for direct conversations, whose two rows a send can afford; null in
   * groups, whose members read it off the conversation.
   */
  active_at: Date | null
}

/** What one user is to another, as the first of them sees it. */
export interface ContactTable {
  user_id: string
  contact_id: string
  /**
   * Who has asked whom, until both have. A request that was refused has lost its `incoming` row, and keeps its
   * `outgoing` one.
   */
  state: 'accepted' | 'incoming' | 'outgoing'
  /** Since when. */
  changed_at: Date
}

/** `user_id` wants nothing to do with `blocked_id`. */
export interface BlockTable {
  user_id: string
  blocked_id: string
  created_at: Date
}

/** What a message said before an edit. */
interface MessageEditTable {
  message_id: string
  /** 1 for the first edit. */
  version: number
  text: string | null
  /** When the edit replaced it. */
  replaced_at: Date
}

export interface ReactionTable {
  message_id: string
  user_id: string
  emoji: string
  created_at: Date
}

/** "Had everything up to seq at this time": a range ends here, and begins after the row before it. */
export interface ReceiptTable {
  conversation_id: string
  user_id: string
  kind: 'delivered' | 'read'
  seq: number
  receipt_at: Date
}

export interface EventTable {
  /** Ascending in commit order together with the writing transaction's id on PostgreSQL; alone on SQLite. */
  id: Generated<number>
  type: LogType
  conversation_id: string | null
  /** Set when the event is for one user alone; otherwise it is for the conversation's participants. */
  audience_user_id: string | null
  /** Who did it, or whom it is about. */
  user_id: string | null
  message_id: string | null
  /** The place in the conversation: the message's seq, or how far a receipt goes. */
  seq: number | null
  /** What else the type needs: a reaction's emoji, a participant's role. */
  detail: string | null
  created_at: Date
}

/** One row, which says which log the events belong to. */
interface EventLogTable {
  epoch: string
}

/**
 * What was done by privilege: who, what, to whom, when, from where. Ids alone, so that it stays true after an erase.
 * The database refuses to change or delete a row.
 */
export interface AuditTable {
  id: string
  actor_kind: 'user' | 'key' | 'command' | 'server'
  /** The user, or the service key; null for a command and the server itself. */
  actor_id: string | null
  /** The user whom a key acted for. */
  acting_for_id: string | null
  action: string
  /** What it was done to: the id of a user, a key, a conversation. */
  subject_id: string | null
  /** The address that the request came from. */
  address: string | null
  request_id: string | null
  created_at: Date
}

/** What goes on beside requests until it is done, whoever stops meanwhile. */
export interface JobTable {
  kind: string
  /** What it is about: the id of a user, or the kind again where there is one for the whole installation. */
  subject_id: string
  /** JSON of how far it has come, written with each part of the work; null before the first. */
  progress: string | null
  /** When it is to be gone on with. A server that works on it keeps this ahead of the time, so that no other does. */
  due_at: Date
  /** Failures since it last got further. */
  failures: number
  /** The code of the last one. Never its words, which may hold what the job is about. */
  last_error: string | null
  created_at: Date
  /** Null until it is done. */
  finished_at: Date | null
}

/** What one server at a time does, and which one that is. */
interface LeaseTable {
  name: string
  /** Made up by the server when it starts. */
  holder: string
  /** Until when it has it, unless it renews it before. */
  expires_at: Date
}

/** Where a back end is told of events. */
export interface WebhookTable {
  id: string
  url: string
  description: string | null
  /** The contract's names with spaces between; null for all, those that come later too. */
  events: string | null
  /** What deliveries are signed with, encrypted with a key that is not in the database. */
  sealed_secret: string
  /** The secret before that one, which signs too until then. */
  previous_sealed_secret: string | null
  /** Until when that one signs too. */
  previous_secret_ends_at: Date | null
  /** Since when nothing is sent; null while it is. */
  disabled_at: Date | null
  /** `gone`: the receiver has said so (410). Null while it is enabled. */
  disabled_reason: 'admin' | 'gone' | null
  /** Which log the place is in. */
  log_epoch: string
  /** The last event that has become a delivery, or was passed over; `xid` as in LogPosition. */
  place_xid: string
  place_id: number
  /** When that event was written: retention leaves what came after it. */
  place_at: Date
  created_at: Date
  updated_at: Date
  /** Set for what nobody sees any more, and goes when its deliveries are gone. */
  deleted_at: Date | null
}

/** One event on its way to one webhook: ids and places as in the event log, never a text. */
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
  /** How often it was tried, since it was made or asked for anew. */
  attempts: number
  /** The status of the last answer; null without one. */
  last_status: number | null
  /** Why the last attempt failed, in the server's own words: never what the receiver has said. */
  last_error: string | null
  /** When it is to be tried next; null when it is not any more. */
  due_at: Date | null
  delivered_at: Date | null
  created_at: Date
}

/** One row while an import goes on, written with each part of it; none otherwise. */
interface ImportProgressTable {
  /** Always 1. */
  id: number
  /** Which export is being imported. */
  export_id: string
  /** How many of its lines are in the database. */
  lines: number
  started_at: Date
}

interface SchemaRequirementTable {
  migration: string
  /** The oldest migration that a server must know to work with that one. */
  serves_from: string
}

/** What happened on a day, as far as the event log has been counted. Days without anything have no row. */
interface StatisticsDayTable {
  /** The day's beginning, in UTC. */
  day_at: Date
  message_count: number
  active_count: number
}

/** Who has been counted as active on a day already. Gone two days later, when nothing of that day comes any more. */
interface ActiveUserTable {
  day_at: Date
  user_id: string
}

/** One row: the last event that is in the statistics; `xid` as in LogPosition. */
interface StatisticsPlaceTable {
  /** Which log the place is in. */
  log_epoch: string
  place_xid: string
  place_id: number
}
