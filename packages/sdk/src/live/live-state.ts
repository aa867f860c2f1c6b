import type { Conversation, Participant, SottoError } from '@sotto/contract'
import type { Resources } from '../resources.ts'
import type { UnsentMessage } from '../unsent-message.ts'
import type { DraftStorage } from './drafts.ts'
import type { LiveHub } from './live-hub.ts'
import type { SentMessage } from './message-window.ts'

/** The other user (a username, an id or `ext:` and an external id), or the id of a conversation. */
export type ConversationTarget = string | { conversationId: string }

export interface LiveOptions {
  /** The number of messages to load initially and with each `loadOlder` and `loadNewer`. Default: 50, at most 200. */
  pageSize?: number | undefined
  /**
   * The maximum number of messages in the window. Beyond it, messages are dropped at the end farther from the last
   * addition. Default: 500, and at least four pages.
   */
  maxMessages?: number | undefined
  /**
   * Keeps unsent messages across reloads. Belongs to one user: use another storage, or another key in it, for another
   * user. Any number of views and tabs can share it. If it uses localStorage, views follow what those in other tabs
   * change.
   */
  storage?: DraftStorage | undefined
}

/** A position in a conversation: its newest messages, a message, or the first message at this time or later. */
export type JumpTarget = 'newest' | { seq: number } | { date: Date }

/** A message of the conversation, or one of the user's that is not sent yet. */
export type LiveMessage = SentMessage | UnsentMessage

/** Up to where another participant has read. */
export interface ReadMark {
  readonly userId: string
  readonly readSeq: number
}

/**
 * The state of a conversation. Immutable: each change creates a new state in which unchanged parts keep their identity.
 */
export interface LiveState {
  /**
   * A contiguous range of the conversation, in order. If it extends to the newest message, unsent messages follow in
   * sending order. Only messages sent while the user was not in the group are missing.
   */
  readonly messages: readonly LiveMessage[]
  /** The user's messages that the server does not have (yet), in sending order, even while older messages are shown. */
  readonly unsent: readonly UnsentMessage[]
  /** Undefined before the first message to a user. */
  readonly conversationId: string | undefined
  /** Undefined until loaded. */
  readonly kind: Conversation['kind'] | undefined
  /** The name of a group. */
  readonly name: string | null
  /** The first 50 by username, with their roles. */
  readonly participants: readonly Participant[]
  readonly participantCount: number
  /**
   * True while the user is not in the group. Messages they could read stay, nothing new arrives, and sending fails with
   * CONVERSATION_NOT_FOUND. False again once they are added.
   */
  readonly hasLeft: boolean
  /** The seq of the newest known message, in the window or not. 0 before the first. */
  readonly lastSeq: number
  /** The user's read mark, as in Conversation. Does not depend on the window. */
  readonly readSeq: number
  readonly unreadCount: number
  /** The read marks of the others in a group. In a direct conversation, each message shows whether it was read. */
  readonly readMarks: readonly ReadMark[]
  /** The ids of other users who are typing. */
  readonly typing: readonly string[]
  /** `closed` after `close()` or a permanent failure, whose reason is in `error`. */
  readonly connection: 'connecting' | 'connected' | 'reconnecting' | 'closed'
  /** Whether messages have been loaded, if there are any. */
  readonly isLoaded: boolean
  /** Whether there are messages before the first one in the window. */
  readonly hasOlder: boolean
  /** Whether there are messages after the last one in the window. While true, new messages are not added. */
  readonly hasNewer: boolean
  /** The last error: why it is reconnecting or has failed permanently, or a failure of the storage. */
  readonly error: SottoError | undefined
}

/**
 * What a live view needs from its client: the stream, and calls that fail with USER_MISMATCH if another user is signed in
 * by then.
 */
export interface LiveSource {
  calls: Pick<Resources, 'users' | 'messages' | 'conversations' | 'direct'>
  hub: LiveHub
  actAs: string | undefined
  /** The user, if known from the start: an id, or the user in `actAs`. */
  user: string | undefined
  /** The id of the user: of all views together, requested once. */
  me: () => Promise<string>
}
