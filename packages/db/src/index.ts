export { copySqlite, databaseExists } from './backup.ts'
export {
  type Database,
  openDatabase,
  type PoolLoad,
  parseDatabaseUrl,
  type StatementListener,
  type StatementOutcome,
} from './database.ts'
export { missingTimeouts, setRoleDefaults } from './dialect/session-settings.ts'
export { readSnapshot } from './dialect/snapshot.ts'
export { DatabaseOpenError, isUnavailable, isUniqueViolation } from './errors.ts'
export type { EventTransaction } from './event-transaction.ts'
export { foldName } from './fold-name.ts'
export { canListen } from './health/listening.ts'
export { inspectPostgres, type PostgresHealth, readDatabaseTime } from './health/postgres-health.ts'
export { inspectSqlite, inspectSqliteFile } from './health/sqlite-health.ts'
export { tryToWrite } from './health/writable.ts'
export { openHints } from './hints.ts'
export { readLocalSecret } from './local-secret.ts'
export { memoryImage } from './memory-image.ts'
export { type Migrated, schemaName, schemaVersion } from './migrate.ts'
export type { AccountRow } from './queries/accounts.ts'
export type { AuditFilter, AuditRow } from './queries/audit.ts'
export type { BlockRow } from './queries/blocks.ts'
export type { ContactRow } from './queries/contacts.ts'
export { type ConversationRow, directKey, lockKeyOf } from './queries/conversations.ts'
export type { HeldAccountRow } from './queries/credentials.ts'
export type { AttemptEnd, WebhookDeliveryRow } from './queries/deliveries.ts'
export type { ErasableRow, MessagePosition } from './queries/erasure.ts'
export { comparePositions, type EventRow, type LogPosition } from './queries/event-log.ts'
export { type CorrespondentRow, type InboxRow, newest, type TimePosition } from './queries/inbox.ts'
export * as store from './queries/index.ts'
export type { InvitationRow } from './queries/invitations.ts'
export type { JobKey, JobRow } from './queries/jobs.ts'
export { LogReader } from './queries/log-reader.ts'
export type { MessageRow, Viewer } from './queries/messages.ts'
export type { NewMessage } from './queries/new-messages.ts'
export {
  FIRST_USER_ID,
  isWithin,
  type MemberRow,
  type MemberWithMarksRow,
  type ParticipantRole,
  type ParticipantRow,
  type Span,
  type StayRow,
} from './queries/participants.ts'
export { parseReactions, type ReactionCounts } from './queries/reactions.ts'
export type { Mark, ReceiptTimesRow } from './queries/receipts.ts'
export type { Relationship } from './queries/relationships.ts'
export type { BulkRows } from './queries/sample-data.ts'
export type { FoundTarget } from './queries/send-targets.ts'
export type { ServiceKeyRow } from './queries/service-keys.ts'
export type { SessionRow, SessionUserRow, Use } from './queries/sessions.ts'
export type { SetupRow } from './queries/setup.ts'
export type { StatisticsPosition } from './queries/statistics.ts'
export type { Source, StaySource, TimelineFilter, TimelinePosition } from './queries/timeline.ts'
export type { ExportedEdit, ExportedReaction, ExportedReceipt, ExportedStay } from './queries/user-data.ts'
export { isUuid, type UserRow } from './queries/users.ts'
export { positionColumns, type WebhookGroup, type WebhookRow } from './queries/webhooks.ts'
export { inspectReplica, Replica } from './replica.ts'
export type { Executor } from './statement.ts'
export * from './transfer/progress.ts'
export * from './transfer/read.ts'
export * from './transfer/tables.ts'
export * from './transfer/write.ts'
export { emptyWriteAheadLog } from './write-ahead-log.ts'
