import type { Conversation, Participant } from '@sotto/contract'
import type { Resources } from '../resources.ts'
import type { DraftStorage, UnsentMessage } from './drafts.ts'
import type { LiveHub } from './live-hub.ts'
import type { SentMessage } from './message-window.ts'

/** A user, by username or id, or a conversation by its id. */
export type ConversationTarget = string | { conversationId: string }

export interface LiveOptions {
  /**
   * How many messages to begin with, and to add with each `loadOlder` and `loadNewer`. 50 unless told otherwise, at
   * most 200.
   */
  pageSize?: number | undefined
  /**
   * How many of the conversation's messages to hold at most: beyond that those are let go that are farthest from where
   * messages were added last. 500 unless told otherwise, and never less than four pages.
   */
  maxMessages?: number | undefined
  /**
   * Where unsent messages outlive a reload. For one user: whoever logs in as another takes another storage (or
   * another key in it). Used by one view of the conversation at a time.
   */
  storage?: DraftStorage | undefined
}

/** A place in a conversation: its newest messages, a message, or the first one at this time or later. */
export type JumpTarget = 'newest' | { seq: number } | { date: Date }

/** A message of the conversation, or one of one's own on its way there. */
export type LiveMessage = SentMessage | UnsentMessage

/** How far one of the others has read. */
export interface ReadMark {
  readonly userId: string
  readonly readSeq: number
}

/** How things stand. Never changed: when something happens there is a new one, with the same parts where they are the same. */
export interface LiveState {
  /**
   * Those of a part of the conversation in their order, then, where that part reaches to the newest message, the
   * unsent ones in the order of sending. None is left out in between but those that were sent while one was not in the
   * group.
   */
  readonly messages: readonly LiveMessage[]
  /** One's own that the server does not have (yet), in the order of sending: also while older messages are shown. */
  readonly unsent: readonly UnsentMessage[]
  /** Undefined before the first message to a user. */
  readonly conversationId: string | undefined
  /** Undefined until it is known. */
  readonly kind: Conversation['kind'] | undefined
  /** Of a group. */
  readonly name: string | null
  /** The first 50 by username, with their roles. */
  readonly participants: readonly Participant[]
  readonly participantCount: number
  /**
   * One is not in the group, or no longer: what one could read stays, nothing new comes, and what is sent fails with
   * CONVERSATION_NOT_FOUND. False again when one is added again.
   */
  readonly hasLeft: boolean
  /** The seq of the newest message that is known of, whether it is here or not; 0 before the first. */
  readonly lastSeq: number
  /** One's own, as in Conversation; whatever part of it is here. */
  readonly readSeq: number
  readonly unreadCount: number
  /** How far each of the others in a group has read. Of a direct conversation each message tells it itself. */
  readonly readMarks: readonly ReadMark[]
  /** The ids of the others who are typing. */
  readonly typing: readonly string[]
  /** `closed` after `close()`, and when it failed for good; `error` says why. */
  readonly connection: 'connecting' | 'connected' | 'reconnecting' | 'closed'
  /** Whether messages are here, as far as there are any. */
  readonly isLoaded: boolean
  /** Whether there are messages before the first one here. */
  readonly hasOlder: boolean
  /** Whether there are messages after the last one here. While it is so, those that arrive are not added. */
  readonly hasNewer: boolean
  /** What went wrong last: why it is reconnecting, what failed for good, or that the storage failed. */
  readonly error: unknown
}

/** What a live view needs of its client. */
export interface LiveSource {
  calls: Pick<Resources, 'users' | 'messages' | 'conversations' | 'direct'>
  hub: LiveHub
  actAs: string | undefined
}
