import type { Conversation, Event, Message } from '@sotto/contract'
import { ConversationHead } from './conversation-head.ts'
import type { ConversationTarget, LiveState } from './live-state.ts'
import { MessageWindow } from './message-window.ts'
import { ReadMarks } from './read-marks.ts'
import { Typing } from './typing.ts'

/** An event of the conversation. */
export type ConversationEvent = Exclude<Event, { conversationId: null }>

/** As the server counts: this means that many or more. */
const MANY_UNREAD = 1_000

/**
 * All that is known of a conversation, from events and from answers, and what of it is missing or may be wrong by
 * now. Asks nobody: see ConversationSync.
 */
export class ConversationModel {
  readonly target: ConversationTarget
  readonly window = new MessageWindow((message) => this.#isMine(message))
  readonly head = new ConversationHead()
  readonly readMarks = new ReadMarks()
  readonly typing = new Typing()
  /** The id of the user whom the view is for. */
  me: string | undefined
  isLoaded = false
  /** The highest seq that is known to exist. */
  knownSeq = 0
  /** There may be messages beyond that one too. */
  mayHaveMore = false
  /** How many messages the window holds at most. */
  readonly maxMessages: number
  /** The end of the window that the reader was last known to be nearer to: too much is let go at the other one. */
  reader: 'oldest' | 'newest' = 'newest'
  /** Messages of others beyond the last one that the head counts: they are unread. */
  readonly #arrivals = new Set<number>()

  constructor(target: ConversationTarget, maxMessages: number) {
    this.maxMessages = maxMessages
    this.target = typeof target === 'string' ? target.toLowerCase() : target
  }

  /** Undefined before the first message to a user. */
  get conversationId(): string | undefined {
    if (typeof this.target !== 'string') return this.target.conversationId.toLowerCase()
    return this.head.known?.id
  }

  isTarget(user: { id: string; username: string }): boolean {
    return user.id === this.target || user.username === this.target
  }

  /** What of a view's state is the conversation's. */
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
        this.#arrive(event.message)
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
        this.#receive(event)
        break
      case 'conversation.created':
      case 'conversation.updated':
        if (this.head.hasLeft) this.#comeBack()
        this.head.putEvent(event.conversation)
        this.readMarks.putTold(event.conversation.readSeq)
        this.noteSeq(event.conversation.lastSeq)
        this.#forgetArrivals(event.conversation.lastSeq)
        break
      case 'participant.joined':
      case 'participant.left':
      case 'participant.updated':
        this.#move(event)
        break
      case 'typing.started':
        this.typing.start(event.userId)
        break
      case 'typing.stopped':
        this.typing.stop(event.userId)
    }
  }

  /**
   * The conversation as the server has answered it.
   *
   * @param lastBefore the last message that was here when it was asked for
   */
  putHead(conversation: Conversation, lastBefore: number): void {
    const { known } = this.head
    // A log of another time, as after a restore.
    const isOther = conversation.lastSeq < lastBefore || conversation.id !== (known?.id ?? conversation.id)
    if (isOther) this.isLoaded = false
    if (this.readMarks.isOwnStale) {
      this.readMarks.resetOwn()
      this.knownSeq = conversation.lastSeq
    }
    this.readMarks.putTold(conversation.readSeq)
    this.noteSeq(conversation.lastSeq)
    // Events that came before it was known that they are of this conversation were not heard.
    if (!known) this.window.markAllStale()
    if (this.head.hasLeft) this.#comeBack()
    this.head.put(conversation)
    this.#forgetArrivals(conversation.lastSeq)
  }

  /**
   * The server has answered that one is not in it. What one could read before one left can still be read, and the
   * answer does not say up to where that is; of somebody else's group it is nothing.
   */
  putAbsence(): void {
    this.head.leave()
    this.mayHaveMore = true
  }

  /** Nothing is known to be as it was. */
  markAllStale(): void {
    this.head.isStale = true
    this.readMarks.isStale = true
    this.readMarks.isOwnStale = true
    this.window.markAllStale()
  }

  /** There is a message with this seq. */
  noteSeq(seq: number): void {
    this.knownSeq = Math.max(this.knownSeq, seq)
  }

  /** Changes what the window holds, and lets go of what is too much of it. */
  changeWindow(change: () => void): void {
    const { window, maxMessages, reader } = this
    const lastBefore = window.last
    const unreadBefore = this.#countsItself ? this.#unreadCount() : undefined
    change()
    if (window.size > maxMessages) {
      if (reader === 'newest') window.keepNewest(maxMessages)
      else window.keepOldest(maxMessages)
    }
    if (unreadBefore === undefined || this.#countsItself) return
    // What is unread can no longer be counted here: it is what it was until the server says it.
    this.head.putUnread(unreadBefore)
    this.head.isStale = true
    this.#forgetArrivals(lastBefore)
  }

  /** It is too far to the newest messages: begins again with them, or stays with a reader who is elsewhere. */
  giveUpFollowing(): void {
    this.changeWindow(() => {
      if (this.reader === 'newest') this.isLoaded = false
      else this.window.stay()
    })
  }

  /** What counts as unread may have changed: the server is asked where that cannot be counted here. */
  noteUnreadChange(): void {
    if (!this.#countsItself) this.head.isStale = true
  }

  /** Nobody told what happened while one was not in the group to the messages of before. */
  #comeBack(): void {
    this.window.markAllStale()
    this.readMarks.isStale = true
  }

  #arrive(message: Message): void {
    const { seq, senderId } = message
    this.typing.stop(senderId)
    if (!this.#isMine(message)) this.readMarks.putMessage(message)
    else if (seq > (this.head.known?.lastSeq ?? 0)) this.readMarks.putOwnMessage(message)
    this.noteSeq(seq)
    this.changeWindow(() => this.window.putEvent(message))
    if (this.#isMine(message) || message.deletedAt || seq <= (this.head.known?.lastSeq ?? 0)) return
    this.#arrivals.add(seq)
    // Asked for now and then, so that it is not all remembered.
    if (this.#arrivals.size > MANY_UNREAD) this.head.isStale = true
  }

  /** Those up to this seq are counted. */
  #forgetArrivals(upTo: number): void {
    for (const seq of this.#arrivals) if (seq <= upTo) this.#arrivals.delete(seq)
  }

  #receive(receipt: Extract<Event, { type: 'receipt.updated' }>): void {
    const isMine = receipt.userId === this.me
    if (isMine && receipt.kind === 'read') {
      this.readMarks.putTold(receipt.seq)
      this.noteUnreadChange()
    }
    const { known } = this.head
    if (known?.kind === 'group') {
      // In a group, messages do not tell who has read them.
      if (!isMine && receipt.kind === 'read') this.readMarks.putReceipt(receipt)
    } else if (known?.participants.length === 1) {
      // Notes to oneself are read by who has sent them.
      this.window.markAllStale()
    } else {
      this.window.putReceipt(receipt)
    }
  }

  #move(event: Extract<Event, { type: `participant.${string}` }>): void {
    this.head.apply(event, this.me)
    if (event.type === 'participant.joined') this.readMarks.isStale = true
    if (event.type !== 'participant.left') return
    this.readMarks.remove(event.userId)
    this.typing.stop(event.userId)
    // Nobody tells any more that they have stopped.
    if (event.userId === this.me) this.typing.clear()
  }

  #isMine(message: Message): boolean {
    return this.me === undefined ? message.clientMessageId !== null : message.senderId === this.me
  }

  /** Counted here where all that can be unread is here; otherwise the server's count, and what came after it. */
  #unreadCount(): number {
    if (!this.#countsItself) {
      return Math.min(MANY_UNREAD, (this.head.known?.unreadCount ?? 0) + this.#arrivals.size)
    }
    const { own } = this.readMarks
    const unread = this.window.list.filter(({ seq, isMine, deletedAt }) => seq > own && !isMine && !deletedAt)
    return Math.min(MANY_UNREAD, unread.length)
  }

  get #countsItself(): boolean {
    return this.isLoaded && this.window.follows && this.readMarks.own >= this.window.first - 1
  }
}
