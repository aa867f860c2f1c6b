export type { AuditEntry } from './audit.ts'
export type { Block } from './blocks.ts'
export type { Contact, ContactState } from './contacts.ts'
export { type Contract, contract } from './contract.ts'
export {
  type Conversation,
  maxParticipants,
  type Participant,
  type ParticipantRole,
  shownParticipants,
} from './conversations.ts'
export {
  type ErrorCode,
  errorCatalogue,
  type InputIssue,
  invalidInput,
  isErrorCode,
  SottoError,
} from './errors.ts'
export {
  type LogType,
  type WebhookEventType,
  webhookEventTypes,
  webhookTypeOfLogType,
} from './event-types.ts'
export { type Event, event as eventSchema } from './events.ts'
export type { ConversationSummary } from './inspection.ts'
export type { Invitation } from './invitations.ts'
export type { ServiceKey } from './keys.ts'
export { kindOf, type Message, type MessageKind, messageKinds, type VideoSource } from './messages.ts'
export {
  type Access,
  type ExampleCaller,
  type HttpMethod,
  type KeyScope,
  keyScopes,
  type LimitName,
  limitNames,
  limitOf,
  type Procedure,
  type ProcedureKind,
  requiredScopesOf,
} from './procedure.ts'
export type { AppRouter, ErrorData, ErrorShape, Tracked } from './router.ts'
export type { Setting } from './settings.ts'
export { preparePassword } from './unicode.ts'
export type { ExportLine } from './user-data.ts'
export { externalIdIn, externalRef, foldUserRef, isExternalId } from './user-refs.ts'
export { defaultTokenAudience, maxTokenLifetimeSeconds, minTokenSecretBytes } from './user-tokens.ts'
export type { Account, PublicUser, User } from './users.ts'
export { defaultLimit, defaultMaxTextLength, existingPassword, minPasswordLength } from './values.ts'
export {
  maxWebhooks,
  type Webhook,
  type WebhookDelivery,
  type WebhookEvent,
} from './webhooks.ts'
