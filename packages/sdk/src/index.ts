import type { Contract, Procedure } from '@sotto/contract'
import type { InputOf, OutputOf } from './operation.ts'

export type {
  AuditEntry,
  Conversation,
  ConversationSummary,
  ErrorCode,
  Event,
  InputIssue,
  Message,
  MessageKind,
  Participant,
  ParticipantRole,
  PublicUser,
  ServiceKey,
  Setting,
  User,
  VideoSource,
  Webhook,
  WebhookDelivery,
  WebhookEvent,
  WebhookEventType,
} from '@sotto/contract'
export { SottoError, webhookEventTypes } from '@sotto/contract'
export type { Token, TokenRequest } from './authorization.ts'
export { createClient, type SottoClient } from './client.ts'
export type { ClientOptions } from './connection.ts'
export type { ConversationHandle, MessagePaging } from './conversation.ts'
export type { LiveConversation } from './deferred-conversation.ts'
export type { LiveInbox } from './deferred-inbox.ts'
export type { LivePresence } from './deferred-presence.ts'
export type { EventArrival, EventConnection, EventTransport } from './event-transport.ts'
export type { EventOptions, EventStream, StreamSettings, StreamStatus } from './events.ts'
export { initialInboxState, initialLiveState } from './initial-states.ts'
export type { CallContext } from './links.ts'
export type { List, Page } from './list.ts'
export type { DraftStorage } from './live/drafts.ts'
export type { InboxOptions, InboxState } from './live/live-inbox.ts'
export type { PresenceState } from './live/live-presence.ts'
export type {
  ConversationTarget,
  JumpTarget,
  LiveMessage,
  LiveOptions,
  LiveState,
  ReadMark,
} from './live/live-state.ts'
export type { SentMessage } from './live/message-window.ts'
export type { CallOptions } from './resources.ts'
export type { Fetch } from './transport.ts'
export type { MessageContent, UnsentMessage } from './unsent-message.ts'
export { verifyWebhook, type WebhookHeaders, WebhookVerificationError } from './verify-webhook.ts'
export { type WebSocketLike, type WebSocketOptions, webSocket } from './web-socket.ts'
/** The input of each operation, such as `RouterInputs['messages']['send']`. */
export type RouterInputs = {
  [Resource in keyof Contract]: {
    [Name in keyof Contract[Resource]]: Contract[Resource][Name] extends infer P extends Procedure
      ? InputOf<P>
      : never
  }
}
/** The output of each operation. */
export type RouterOutputs = {
  [Resource in keyof Contract]: {
    [Name in keyof Contract[Resource]]: Contract[Resource][Name] extends infer P extends Procedure
      ? OutputOf<P>
      : never
  }
}
