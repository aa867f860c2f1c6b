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

  constructor(target: ConversationTarget) {
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
  describe(): Omit<LiveState, 'messages' | 'connection' | 'error'> {
    const { known, hasLeft } = this.head
    return {
      conversationId: this.conversationId,
      kind: known?.kind,
      name: known?.name ?? null,
      participants: known?.participants ?? [],
      participantCount: known?.participantCount ?? 0,
      hasLeft,
      readSeq: this.readMarks.own,
      unreadCount: this.#unreadCount(),
      readMarks: this.readMarks.list,
      typing: this.typing.ids,
      isLoaded: this.isLoaded,
      hasOlder: this.isLoaded && this.window.first > 1,
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
        this.knownSeq = Math.max(this.knownSeq, event.conversation.lastSeq)
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
    this.knownSeq = Math.max(this.knownSeq, conversation.lastSeq)
    // Events that came before it was known that they are of this conversation were not heard.
    if (!known) this.window.markAllStale()
    if (this.head.hasLeft) this.#comeBack()
    this.head.put(conversation)
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
    this.knownSeq = Math.max(this.knownSeq, seq)
    this.window.putEvent(message)
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
    const isHere = this.#countsItself
    const { lastSeq = 0, unreadCount = 0 } = this.head.known ?? {}
    const above = isHere ? this.readMarks.own : lastSeq
    const count = this.window.list.filter(
      ({ seq, isMine, deletedAt }) => seq > above && !isMine && !deletedAt,
    ).length
    return Math.min(MANY_UNREAD, count + (isHere ? 0 : unreadCount))
  }

  get #countsItself(): boolean {
    return this.isLoaded && this.readMarks.own >= this.window.first - 1
  }
}
