import { type Conversation, type Event, foldUserRef, type Message, type PublicUser } from '@sotto/contract'
import { ConversationHead } from './conversation-head.ts'
import type { ConversationTarget, LiveState } from './live-state.ts'
import { MessageWindow } from './message-window.ts'
import { ReadMarks } from './read-marks.ts'
import { Typing } from './typing.ts'
import { isNamedBy } from './user-refs.ts'

/** An event of the conversation. */
export type ConversationEvent = Exclude<Event, { conversationId: null }>

/** Like the server, counts up to this. It means "this many or more". */
const MANY_UNREAD = 1_000

/**
 * The known state of a conversation, from events and responses, and which parts are missing or may be outdated. Sends
 * no requests: see ConversationSync.
 */
export class ConversationModel {
  readonly target: ConversationTarget
  readonly window = new MessageWindow((message) => this.#isMine(message))
  readonly head = new ConversationHead()
  readonly readMarks = new ReadMarks()
  readonly typing = new Typing()
  /** The id of the user. */
  me: string | undefined
  isLoaded = false
  /** The highest seq that is known to exist. */
  knownSeq = 0
  /** Whether there may be messages beyond `knownSeq`. */
  mayHaveMore = false
  /** The maximum number of messages in the window. */
  readonly maxMessages: number
  /** The end of the window that the user was last closer to. Excess messages are dropped at the other end. */
  activeEnd: 'oldest' | 'newest' = 'newest'
  /** Messages of others after `lastSeq` of the head. They are unread. */
  readonly #arrivals = new Set<number>()

  constructor(target: ConversationTarget, maxMessages: number) {
    this.maxMessages = maxMessages
    this.target = typeof target === 'string' ? foldUserRef(target) : target
  }

  /** Undefined before the first message to a user. */
  get conversationId(): string | undefined {
    if (typeof this.target !== 'string') return this.target.conversationId.toLowerCase()
    return this.head.known?.id
  }

  isTarget(user: PublicUser): boolean {
    return typeof this.target === 'string' && isNamedBy(user, this.target)
  }

  /** The part of a view's state that concerns the conversation. */
  describe(): Omit<LiveState, 'messages' | 'unsent' | 'connection' | 'error'> {
    const { known, hasLeft } = this.head
    return {
      conversationId: this.conversationId,
      kind: known?.kind,
      name: known?.name ?? null,
      participants: known?.participants ?? [],
      participantCount: known?.participantCount ?? 0,
      hasLeft,
      lastSeq: this.knownSeq,
      readSeq: this.readMarks.own,
      unreadCount: this.#unreadCount(),
      readMarks: this.readMarks.list,
      typing: this.typing.ids,
      isLoaded: this.isLoaded,
      hasOlder: this.isLoaded && this.window.first > 1,
      hasNewer: this.isLoaded && !this.window.follows,
    }
  }

  apply(event: ConversationEvent): void {
    switch (event.type) {
      case 'message.created':
        this.#applyMessage(event.message)
        break
      case 'message.edited':
      case 'message.deleted':
        if (this.window.has(event.message.seq)) this.window.putEvent(event.message)
        else this.window.touch(event.message.id)
        if (event.message.deletedAt) this.#arrivals.delete(event.message.seq)
        this.noteUnreadChange()
        break
      case 'reaction.added':
      case 'reaction.removed':
        this.window.putReaction(event, event.userId === this.me)
        break
      case 'receipt.updated':
        this.#applyReceipt(event)
        break
      case 'conversation.created':
      case 'conversation.updated':
        if (this.head.hasLeft) this.#rejoin()
        this.head.putEvent(event.conversation)
        this.readMarks.putStreamed(event.conversation.readSeq)
        this.noteSeq(event.conversation.lastSeq)
        this.#removeArrivals(event.conversation.lastSeq)
        break
      case 'participant.joined':
      case 'participant.left':
      case 'participant.updated':
        this.#applyParticipant(event)
        break
      case 'typing.started':
        this.typing.start(event.userId)
        break
      case 'typing.stopped':
        this.typing.stop(event.userId)
    }
  }

  /**
   * Applies the server's response.
   *
   * @param lastBefore the last message in the window when it was requested
   */
  putHead(conversation: Conversation, lastBefore: number): void {
    const { known } = this.head
    // The server's history has changed, as after a restore.
    const isReset = conversation.lastSeq < lastBefore || conversation.id !== (known?.id ?? conversation.id)
    if (isReset) this.isLoaded = false
    if (this.readMarks.isOwnStale) {
      this.readMarks.resetOwn()
      this.knownSeq = conversation.lastSeq
    }
    this.readMarks.putStreamed(conversation.readSeq)
    this.noteSeq(conversation.lastSeq)
    // Events that arrived before the conversation's id was known were ignored.
    if (!known) this.window.markAllStale()
    if (this.head.hasLeft) this.#rejoin()
    this.head.put(conversation)
    this.#removeArrivals(conversation.lastSeq)
  }

  /**
   * Records that the server has no such conversation for the user. A former participant can still read messages up to a
   * point that the response does not include. A stranger can read nothing.
   */
  putNotFound(): void {
    this.head.leave()
    this.mayHaveMore = true
  }

  /** Marks everything as possibly outdated. */
  markAllStale(): void {
    this.head.isStale = true
    this.readMarks.isStale = true
    this.readMarks.isOwnStale = true
    this.window.markAllStale()
  }

  /** Records that a message with this seq exists. */
  noteSeq(seq: number): void {
    this.knownSeq = Math.max(this.knownSeq, seq)
  }

  /** Changes the window, then drops excess messages. */
  changeWindow(change: () => void): void {
    const { window, maxMessages, activeEnd } = this
    const lastBefore = window.last
    const unreadBefore = this.#canCountUnread ? this.#unreadCount() : undefined
    change()
    if (window.size > maxMessages) {
      if (activeEnd === 'newest') window.keepNewest(maxMessages)
      else window.keepOldest(maxMessages)
    }
    if (unreadBefore === undefined || this.#canCountUnread) return
    // The unread messages can no longer be counted here. Keep the count until the server sends its own.
    this.head.putUnread(unreadBefore)
    this.head.isStale = true
    this.#removeArrivals(lastBefore)
  }

  /**
   * The newest messages are too far away to load all in between. Starts over with the newest ones if the user is there,
   * or else stops following.
   */
  stopFollowing(): void {
    this.changeWindow(() => {
      if (this.activeEnd === 'newest') this.isLoaded = false
      else this.window.stay()
    })
  }

  /** The unread count may have changed. Requests it from the server if it cannot be counted here. */
  noteUnreadChange(): void {
    if (!this.#canCountUnread) this.head.isStale = true
  }

  /** Changes to earlier messages were not reported while the user was not in the group. */
  #rejoin(): void {
    this.window.markAllStale()
    this.readMarks.isStale = true
  }

  #applyMessage(message: Message): void {
    const { seq, senderId } = message
    this.typing.stop(senderId)
    if (!this.#isMine(message)) this.readMarks.putMessage(message)
    else if (seq > (this.head.known?.lastSeq ?? 0)) this.readMarks.putOwnMessage(message)
    this.noteSeq(seq)
    this.changeWindow(() => this.window.putEvent(message))
    if (this.#isMine(message) || message.deletedAt || seq <= (this.head.known?.lastSeq ?? 0)) return
    this.#arrivals.add(seq)
    // Refreshes the count now and then, so that the set does not grow without limit.
    if (this.#arrivals.size > MANY_UNREAD) this.head.isStale = true
  }

  /** Removes arrivals that the server's count includes. */
  #removeArrivals(upTo: number): void {
    for (const seq of this.#arrivals) if (seq <= upTo) this.#arrivals.delete(seq)
  }

  #applyReceipt(receipt: Extract<Event, { type: 'receipt.updated' }>): void {
    const isMine = receipt.userId === this.me
    if (isMine && receipt.kind === 'read') {
      this.readMarks.putStreamed(receipt.seq)
      this.noteUnreadChange()
    }
    const { known } = this.head
    if (known?.kind === 'group') {
      // In a group, messages do not show who has read them.
      if (!isMine && receipt.kind === 'read') this.readMarks.putReceipt(receipt)
    } else if (known?.participants.length === 1) {
      // Messages to oneself count as read by their sender.
      this.window.markAllStale()
    } else {
      this.window.putReceipt(receipt)
    }
  }

  #applyParticipant(event: Extract<Event, { type: `participant.${string}` }>): void {
    this.head.apply(event, this.me)
    if (event.type === 'participant.joined') this.readMarks.isStale = true
    if (event.type !== 'participant.left') return
    this.readMarks.remove(event.userId)
    this.typing.stop(event.userId)
    // No more events will report that the others have stopped.
    if (event.userId === this.me) this.typing.clear()
  }

  #isMine(message: Message): boolean {
    return this.me === undefined ? message.clientMessageId !== null : message.senderId === this.me
  }

  /** Counts unread messages if all of them are in the window. Otherwise adds arrivals to the server's count. */
  #unreadCount(): number {
    if (!this.#canCountUnread) {
      return Math.min(MANY_UNREAD, (this.head.known?.unreadCount ?? 0) + this.#arrivals.size)
    }
    const { own } = this.readMarks
    let count = 0
    for (const { seq, isMine, deletedAt } of this.window.values()) {
      if (seq > own && !isMine && !deletedAt) count += 1
    }
    return Math.min(MANY_UNREAD, count)
  }

  get #canCountUnread(): boolean {
    return this.isLoaded && this.window.follows && this.readMarks.own >= this.window.first - 1
  }
}
