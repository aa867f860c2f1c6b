export { copySqlite, databaseExists } from './backup.ts'
export {
  type Database,
  type DatabaseOptions,
  openDatabase,
  type PoolLoad,
  parseDatabaseUrl,
  type StatementListener,
  schemaName,
  schemaVersion,
} from './database.ts'
export { readSnapshot } from './dialect/snapshot.ts'
export { DatabaseOpenError, isUnavailable, isUniqueViolation } from './errors.ts'
export { type Hints, openHints } from './hints.ts'
export { readLocalSecret } from './local-secret.ts'
export * from './queries/audit.ts'
export * from './queries/blocks.ts'
export * from './queries/bulk.ts'
export * from './queries/contacts.ts'
export * from './queries/conversations.ts'
export * from './queries/credentials.ts'
export * from './queries/erasure.ts'
export * from './queries/event-log.ts'
export * from './queries/events.ts'
export * from './queries/export.ts'
export * from './queries/inbox.ts'
export * from './queries/invitations.ts'
export * from './queries/jobs.ts'
export * from './queries/leases.ts'
export * from './queries/messages.ts'
export * from './queries/new-messages.ts'
export * from './queries/participants.ts'
export * from './queries/password-resets.ts'
export * from './queries/receipts.ts'
export * from './queries/second-factors.ts'
export * from './queries/send-targets.ts'
export * from './queries/service-keys.ts'
export * from './queries/sessions.ts'
export * from './queries/standing.ts'
export * from './queries/timeline.ts'
export * from './queries/users.ts'
export * from './queries/webhook-deliveries.ts'
export * from './queries/webhooks.ts'
export type { Executor } from './statement.ts'
export * from './transfer/progress.ts'
export * from './transfer/read.ts'
export * from './transfer/tables.ts'
export * from './transfer/write.ts'
export { emptyWriteAheadLog } from './write-ahead-log.ts'
