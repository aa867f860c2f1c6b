import type { AppRouter } from '@sotto/contract'
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server'

export type {
  AppRouter,
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
export { createClient, type SottoClient } from './client.ts'
export type { ClientOptions, Token } from './connection.ts'
export type { ConversationHandle, MessagePaging } from './conversation.ts'
export type { LiveConversation } from './deferred-conversation.ts'
export type { LiveInbox } from './deferred-inbox.ts'
export type { LivePresence } from './deferred-presence.ts'
export type { EventArrival, EventConnection, EventTransport } from './event-transport.ts'
export type { EventOptions, EventStream, StreamSettings, StreamStatus } from './events.ts'
export { type CallContext, type Link, links } from './links.ts'
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
export type RouterInputs = inferRouterInputs<AppRouter>
/** The output of each operation. */
export type RouterOutputs = inferRouterOutputs<AppRouter>
