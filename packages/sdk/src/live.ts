import type { Conversation, Event, Message } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { DraftStorage, MessageContent, UnsentMessage } from './drafts.ts'
import { Drafts } from './drafts.ts'
import type { StreamStatus } from './events.ts'
import { sleepUntilOnline } from './events.ts'
import type { LiveHub } from './live-hub.ts'
import type { SentMessage } from './message-window.ts'
import { MessageWindow } from './message-window.ts'
import type { Resources } from './resources.ts'
import { jitter } from './waiting.ts'

/** A user, by username or id, or a conversation by its id. */
export type ConversationTarget = string | { conversationId: string }

export interface LiveOptions {
  /** How many messages to begin with, and to add with each `loadOlder`. 50 unless told otherwise, at most 200. */
  pageSize?: number | undefined
  /**
   * Where unsent messages outlive a reload. For one user: whoever logs in as another takes another storage (or
   * another key in it). Used by one view of the conversation at a time.
   */
  storage?: DraftStorage | undefined
}

/** A message of the conversation, or one of one's own on its way there. */
export type LiveMessage = SentMessage | UnsentMessage

/** How things stand. Never changed: when something happens there is a new one, with the same parts where they are the same. */
export interface LiveState {
  /** Those of the conversation in their order, without gaps, then the unsent ones in the order of sending. */
  readonly messages: readonly LiveMessage[]
  /** Undefined before the first message to a user. */
  readonly conversationId: string | undefined
  readonly participants: Conversation['participants']
  /** One's own, as in Conversation. */
  readonly readSeq: number
  readonly unreadCount: number
  /** The ids of the others who are typing. */
  readonly typing: readonly string[]
  /** `closed` after `close()`, and when it failed for good; `error` says why. */
  readonly connection: 'connecting' | 'connected' | 'reconnecting' | 'closed'
  /** Whether the newest messages are here. */
  readonly isLoaded: boolean
  /** Whether there are messages before the first one here. */
  readonly hasOlder: boolean
  /** What went wrong last: why it is reconnecting, what failed for good, or that the storage failed. */
  readonly error: unknown
}

/** What a live view needs of its client. */
export interface LiveSource {
  calls: Pick<Resources, 'users' | 'messages' | 'conversations' | 'direct'>
  hub: LiveHub
  actAs: string | undefined
}

const DEFAULT_PAGE_SIZE = 50
/** The longest list that the server answers. */
const MAX_PAGE_SIZE = 200
/** Who is further behind begins again with the newest messages. */
const MAX_GAP = 1_000
/** As the server counts: this means that many or more. */
const MANY_UNREAD = 1_000
const BACKOFF = { firstMs: 500, longestMs: 30_000 }
/** Half the time for which the server believes that somebody types, in milliseconds. */
const TYPING_AGAIN_MS = 5_000

/** The conversation as the server described it last. */
type Head = Pick<Conversation, 'id' | 'kind' | 'participants' | 'lastSeq' | 'unreadCount'>

/**
 * A conversation that keeps itself up to date: the newest messages, and what happens to them, until `close()`.
 *
 * Ends up as the server has it, whatever is lost on the way; `state` is the same object until something changes.
 */
export class LiveConversation {
  readonly #target: ConversationTarget
  readonly #source: LiveSource
  readonly #pageSize: number
  readonly #closing = new AbortController()
  readonly #listeners = new Set<() => void>()
  readonly #window: MessageWindow
  readonly #drafts: Drafts
  readonly #leave: () => void
  readonly #wakes = new Set<() => void>()
  /** Messages that were answered but are not in the window yet: the seq, by clientMessageId. */
  readonly #answered = new Map<string, number>()
  #typing: readonly string[] = []
  #connection: LiveState['connection'] = 'connecting'
  #error: unknown
  #state: LiveState | undefined
  #isNotifying = false
  #me: string | undefined
  #head: Head | undefined
  /** One's own mark as the stream tells it, which is behind what the server has already answered. */
  #toldReadSeq = 0
  #answeredReadSeq = 0
  /** The head has to be asked for (again). */
  #isHeadStale = true
  /** One's own mark may have gone back, as after a restore. */
  #isReadSeqStale = false
  #isLoaded = false
  #wasConnected = false
  /** Where something happened while it was not known which conversation this is. */
  readonly #strangers = new Set<string>()
  /** The highest seq that is known to exist. */
  #knownSeq = 0
  #isSynchronizing = false
  #isDelivering = false
  #delivery: { clientMessageId: string; controller: AbortController } | undefined
  #older: Promise<void> | undefined
  #reading: { seq: number; done: Promise<void> } | undefined
  #toldTypingAt: number | undefined

  constructor(target: ConversationTarget, source: LiveSource, options: LiveOptions) {
    this.#target = typeof target === 'string' ? target.toLowerCase() : target
    this.#source = source
    this.#pageSize = options.pageSize ?? DEFAULT_PAGE_SIZE
    this.#window = new MessageWindow((message) => this.#isMine(message))
    this.#drafts = new Drafts({
      key: `sotto/unsent/${typeof target === 'string' ? `to/${target.toLowerCase()}` : target.conversationId}`,
      storage: options.storage,
      onError: (error) => this.#report(error),
    })
    this.#leave = source.hub.join({
      onEvent: (event) => this.#onEvent(event),
      onStatus: (status, reason) => this.#onStatus(status, reason),
      onFailure: (error) => this.#fail(error),
    })
    void this.#drafts.restored.then(() => {
      this.#changed()
      this.#deliver()
    })
  }

  get state(): LiveState {
    this.#state ??= this.#snapshot()
    return this.#state
  }

  /** `state`, as a function: for `useSyncExternalStore(live.subscribe, live.getSnapshot)` and its like. */
  readonly getSnapshot = (): LiveState => this.state

  /** Calls the listener soon after each change, once for those that come together. @returns what ends that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Sends a message: it is in `state` at once, goes out as soon as it can, after those before it, and is repeated
   * until it is answered. When it is refused it stays as `failed`, and those behind it go on.
   *
   * @returns its clientMessageId
   */
  send(content: string | MessageContent): string {
    if (this.#connection === 'closed')
      throw new SottoError('UNAVAILABLE', { detail: 'the conversation is closed' })
    this.typing(false)
    const { clientMessageId } = this.#drafts.add(
      typeof content === 'string' ? { text: content } : content,
      new Date(),
    )
    this.#changed()
    this.#deliver()
    return clientMessageId
  }

  /** Sends a failed message again, as the one that it was. */
  retry(clientMessageId: string): void {
    this.#drafts.retry(clientMessageId)
    this.#changed()
    this.#deliver()
  }

  /** Forgets an unsent message. One that is on its way may arrive all the same. */
  discard(clientMessageId: string): void {
    this.#drafts.remove(clientMessageId)
    if (this.#delivery?.clientMessageId === clientMessageId) this.#delivery.controller.abort()
    this.#changed()
  }

  /** Adds the page before the first message, if there is one. */
  loadOlder(): Promise<void> {
    this.#older ??= this.#loadOlder().finally(() => {
      this.#older = undefined
    })
    return this.#older
  }

  /** The message as it is then; so for all that follow. `state` has it when the promise resolves, and not before. */
  edit(messageId: string, text: string): Promise<Message> {
    return this.#change((messages) => messages.edit({ messageId, text }))
  }

  delete(messageId: string): Promise<Message> {
    return this.#change((messages) => messages.delete({ messageId }))
  }

  like(messageId: string): Promise<Message> {
    return this.#change((messages) => messages.like({ messageId }))
  }

  unlike(messageId: string): Promise<Message> {
    return this.#change((messages) => messages.unlike({ messageId }))
  }

  react(messageId: string, emoji: string): Promise<Message> {
    return this.#change((messages) => messages.react({ messageId, emoji }))
  }

  unreact(messageId: string, emoji: string): Promise<Message> {
    return this.#change((messages) => messages.unreact({ messageId, emoji }))
  }

  /** Reads up to a seq, the last message unless told otherwise. Asks the server only for what is not read yet. */
  async markRead(seq: number = this.#window.last): Promise<void> {
    const id = this.#conversationId
    if (id === undefined || seq <= this.#readSeq) return
    if (this.#reading && this.#reading.seq >= seq) return await this.#reading.done
    const reading = { seq, done: this.#markRead(id, seq) }
    this.#reading = reading
    try {
      await reading.done
    } finally {
      if (this.#reading === reading) this.#reading = undefined
    }
  }

  /**
   * Says that one is typing, or no longer. Call it with every key: the server hears of it once in a while. What
   * cannot be told is not: it is a signal and nothing more.
   */
  typing(isTyping: boolean): void {
    const conversationId = this.#conversationId
    const toldAgo = performance.now() - (this.#toldTypingAt ?? Number.NEGATIVE_INFINITY)
    if (conversationId === undefined || this.#connection === 'closed') return
    if (isTyping ? toldAgo < TYPING_AGAIN_MS : toldAgo > 2 * TYPING_AGAIN_MS) return
    this.#toldTypingAt = isTyping ? performance.now() : undefined
    this.#source.calls.conversations
      .typing({ conversationId, typing: isTyping }, this.#callOptions())
      .catch(() => {})
  }

  /** Ends the view and what it does. Unsent messages stay in the storage, if there is one. */
  close(): void {
    if (this.#connection === 'closed') return
    this.#connection = 'closed'
    this.#leave()
    this.#closing.abort(new SottoError('UNAVAILABLE', { detail: 'the conversation is closed' }))
    this.#delivery?.controller.abort()
    this.#wake()
    this.#changed()
  }

  /** As `close`; resolves when the storage has what is unsent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.#drafts.written
  }

  get #conversationId(): string | undefined {
    return (
      this.#head?.id ??
      (typeof this.#target === 'string' ? undefined : this.#target.conversationId.toLowerCase())
    )
  }

  #isMine(message: Message): boolean {
    return this.#me === undefined ? message.clientMessageId !== null : message.senderId === this.#me
  }

  #callOptions(): { signal: AbortSignal } {
    return { signal: this.#closing.signal }
  }

  #snapshot(): LiveState {
    const sent = this.#window.list
    const unsent = this.#drafts.list
    return {
      messages: unsent.length === 0 ? sent : [...sent, ...unsent],
      conversationId: this.#conversationId,
      participants: this.#head?.participants ?? [],
      readSeq: this.#readSeq,
      unreadCount: this.#unreadCount(),
      typing: this.#typing,
      connection: this.#connection,
      isLoaded: this.#isLoaded,
      hasOlder: this.#isLoaded && this.#window.first > 1,
      error: this.#error,
    }
  }

  /** Counted here where all that can be unread is here; otherwise the server's count, and what came after it. */
  #unreadCount(): number {
    const { list } = this.#window
    const isHere = this.#countsItself
    const above = isHere ? this.#readSeq : (this.#head?.lastSeq ?? 0)
    const count = list.filter(({ seq, isMine, deletedAt }) => seq > above && !isMine && !deletedAt).length
    return Math.min(MANY_UNREAD, count + (isHere ? 0 : (this.#head?.unreadCount ?? 0)))
  }

  get #countsItself(): boolean {
    return this.#isLoaded && this.#readSeq >= this.#window.first - 1
  }

  #changed(): void {
    this.#state = undefined
    if (this.#isNotifying) return
    this.#isNotifying = true
    queueMicrotask(() => {
      this.#isNotifying = false
      // Each by itself, so that one that throws keeps nothing from the others.
      for (const listener of this.#listeners) queueMicrotask(listener)
    })
  }

  #report(error: unknown): void {
    this.#error = error
    this.#changed()
  }

  #fail(error: unknown): void {
    if (this.#connection === 'closed') return
    this.#error = error
    this.close()
  }

  // What happens

  #onStatus(status: StreamStatus, reason: unknown): void {
    if (status === 'resync') return
    const isFirst = this.#connection === 'connecting'
    this.#connection = status
    if (status === 'connected') {
      this.#error = undefined
      // What was asked for before there was a stream may have changed before there was one.
      if (!isFirst && !this.#wasConnected) this.#reload()
      this.#wasConnected = true
    } else {
      this.#error = reason
      // Signals are not kept for those who are away.
      this.#typing = []
    }
    this.#changed()
    if (status === 'connected') this.#wake()
    this.#synchronize()
    this.#deliver()
  }

  #onEvent(event: Event): void {
    if (event.type === 'resync') {
      this.#reload()
      this.#synchronize()
      return
    }
    if (event.conversationId === null) return
    if (event.conversationId !== this.#conversationId) {
      if (this.#conversationId === undefined) this.#meet(event, event.conversationId)
      return
    }
    this.#apply(event)
    this.#changed()
    this.#synchronize()
  }

  /** Something happened in a conversation that may turn out to be this one. */
  #meet(event: Event, conversationId: string): void {
    if (this.#isSynchronizing) this.#strangers.add(conversationId)
    if (event.type !== 'conversation.created') return
    if (!event.conversation.participants.some(({ user }) => this.#isTarget(user))) return
    this.#isHeadStale = true
    this.#synchronize()
  }

  #isTarget(user: { id: string; username: string }): boolean {
    return user.id === this.#target || user.username === this.#target
  }

  #apply(event: Event): void {
    switch (event.type) {
      case 'message.created':
        this.#stopTyping(event.message.senderId)
        this.#readWhatIsMine(event.message)
        this.#arrive(event.message)
        break
      case 'message.edited':
      case 'message.deleted':
        if (this.#window.has(event.message.seq)) this.#window.putEvent(event.message)
        else this.#window.touch(event.message.id)
        if (!this.#countsItself) this.#isHeadStale = true
        break
      case 'reaction.added':
      case 'reaction.removed':
        if (this.#knowsReaction(event)) this.#window.touch(event.messageId)
        else this.#window.markStale(event.messageId)
        break
      case 'receipt.updated':
        this.#receive(event)
        break
      case 'typing.started':
        this.#typing = [...this.#typing.filter((id) => id !== event.userId), event.userId]
        break
      case 'typing.stopped':
        this.#stopTyping(event.userId)
    }
  }

  #arrive(message: Message): void {
    this.#knownSeq = Math.max(this.#knownSeq, message.seq)
    this.#window.putEvent(message)
    this.#settleDrafts()
  }

  /** As the server does: whoever has read everything has read what they then say themselves. */
  #readWhatIsMine(message: Message): void {
    const { seq } = message
    if (!this.#isMine(message) || this.#toldReadSeq !== seq - 1 || seq <= (this.#head?.lastSeq ?? 0)) return
    this.#toldReadSeq = seq
  }

  #stopTyping(userId: string): void {
    if (this.#typing.includes(userId)) this.#typing = this.#typing.filter((id) => id !== userId)
  }

  /** One's own reaction that an answer has shown already. Others' are counted, and one cannot see which ones are. */
  #knowsReaction({
    type,
    userId,
    messageId,
    emoji,
  }: Extract<Event, { type: `reaction.${string}` }>): boolean {
    const message = this.#window.find(messageId)
    if (!message || userId !== this.#me) return false
    const isThere = message.reactions.some((reaction) => reaction.emoji === emoji && reaction.byMe)
    return isThere === (type === 'reaction.added')
  }

  #receive(receipt: Extract<Event, { type: 'receipt.updated' }>): void {
    if (receipt.userId === this.#me && receipt.kind === 'read') {
      this.#toldReadSeq = Math.max(this.#toldReadSeq, receipt.seq)
      if (!this.#countsItself) this.#isHeadStale = true
    }
    // In a group, messages do not tell who has read them.
    if (this.#head?.kind === 'group') return
    // Notes to oneself are read by who has sent them.
    if (this.#head?.participants.length === 1) this.#window.markAllStale()
    else this.#window.putReceipt(receipt)
  }

  get #readSeq(): number {
    return Math.max(this.#toldReadSeq, this.#answeredReadSeq)
  }

  // Asking for what is missing

  /** Nothing is known to be as it was. */
  #reload(): void {
    this.#isHeadStale = true
    this.#isReadSeqStale = true
    this.#window.markAllStale()
  }

  #synchronize(): void {
    if (this.#isSynchronizing || this.#connection === 'closed' || this.#connection === 'connecting') return
    this.#isSynchronizing = true
    void this.#untilCurrent().finally(() => {
      this.#isSynchronizing = false
    })
  }

  async #untilCurrent(): Promise<void> {
    for (let attempt = 1; this.#connection !== 'closed'; ) {
      try {
        if (!(await this.#askForMore())) return
        attempt = 1
        if (this.#connection === 'connected') this.#error = undefined
        this.#settleDrafts()
        this.#changed()
      } catch (error) {
        if (this.#closing.signal.aborted) return
        if (isFinal(error)) return this.#fail(error)
        this.#report(error)
        await this.#pause(attempt)
        attempt += 1
      }
    }
  }

  /** @returns whether there was anything to ask for. */
  async #askForMore(): Promise<boolean> {
    const { last, stale } = this.#window
    if (this.#isHeadStale) await this.#loadHead()
    else if (!this.#head) return false
    else if (!this.#isLoaded) await this.#loadNewest(this.#head.id)
    else if (this.#knownSeq > last) await this.#loadNewer(this.#head.id)
    else if (stale.size > 0) await this.#loadStale(this.#head.id)
    else return false
    return true
  }

  async #loadHead(): Promise<void> {
    this.#isHeadStale = false
    this.#strangers.clear()
    try {
      const head = await this.#askForHead()
      if (this.#strangers.has(head.id)) this.#isHeadStale = true
      this.#me ??= await this.#findMe(head)
      const isReadSeqStale = this.#isReadSeqStale
      this.#isReadSeqStale = false
      if (isReadSeqStale) {
        this.#toldReadSeq = 0
        this.#answeredReadSeq = 0
      }
      this.#toldReadSeq = Math.max(this.#toldReadSeq, head.readSeq)
      // A log of another time, as after a restore.
      if (this.#isLoaded && (head.lastSeq < this.#window.last || head.id !== (this.#head?.id ?? head.id))) {
        this.#isLoaded = false
      }
      if (isReadSeqStale) this.#knownSeq = head.lastSeq
      this.#knownSeq = Math.max(this.#knownSeq, head.lastSeq)
      // Events that came before it was known that they are of this conversation were not heard.
      if (!this.#head) this.#window.markAllStale()
      this.#head = head
    } catch (error) {
      if (typeof this.#target !== 'string' || !isNotFound(error)) {
        this.#isHeadStale = true
        throw error
      }
      // The first message will make it, whoever sends it; or has made it while this answer was on its way, which
      // has made the head stale again.
      this.#isLoaded = true
    }
  }

  #askForHead(): Promise<Conversation> {
    const { direct, conversations } = this.#source.calls
    return typeof this.#target === 'string'
      ? direct.get({ user: this.#target }, this.#callOptions())
      : conversations.get(this.#target, this.#callOptions())
  }

  /** Which of the participants the view is for. */
  async #findMe({ kind, participants }: Conversation): Promise<string | undefined> {
    const { actAs, calls } = this.#source
    const users = participants.map(({ user }) => user)
    const acting = users.find(({ id, username }) => id === actAs || username === actAs?.toLowerCase())
    if (acting) return acting.id
    if (kind !== 'direct') return undefined
    if (users.length === 1) return users[0]?.id
    if (typeof this.#target === 'string') return users.find((user) => !this.#isTarget(user))?.id
    // An email address is told to oneself alone.
    for (const { id } of users)
      if ('email' in (await calls.users.get({ user: id }, this.#callOptions()))) return id
    return undefined
  }

  async #loadNewest(conversationId: string): Promise<void> {
    const { conversations } = this.#source.calls
    const limit = this.#pageSize
    await this.#window.ask(
      async () => await conversations.messages({ conversationId, limit }, this.#callOptions()),
      ({ items }, put) => {
        this.#window.restart((items[0]?.seq ?? 0) + 1)
        for (const message of items) put(message)
        this.#isLoaded = true
      },
    )
  }

  async #loadNewer(conversationId: string): Promise<void> {
    const { conversations } = this.#source.calls
    const after = this.#window.last
    if (this.#knownSeq - after > MAX_GAP) {
      this.#isLoaded = false
      return
    }
    await this.#window.ask(
      async () =>
        await conversations.messages({ conversationId, after, limit: MAX_PAGE_SIZE }, this.#callOptions()),
      ({ items }, put) => {
        for (const message of items) put(message)
        // It is not there, whoever said so.
        if (items.length === 0) this.#knownSeq = this.#window.last
      },
    )
  }

  async #loadStale(conversationId: string): Promise<void> {
    const { conversations } = this.#source.calls
    const { stale } = this.#window
    const first = Math.min(...stale)
    const asked = [...stale].filter((seq) => seq < first + MAX_PAGE_SIZE)
    const limit = Math.max(...asked) - first + 1
    await this.#window.ask(
      async () =>
        await conversations.messages({ conversationId, after: first - 1, limit }, this.#callOptions()),
      ({ items }, put) => {
        const found = new Set(items.map(({ seq }) => seq))
        for (const message of items) put(message)
        for (const seq of asked) if (!found.has(seq)) stale.delete(seq)
      },
    )
  }

  async #loadOlder(): Promise<void> {
    const conversationId = this.#head?.id
    const { first } = this.#window
    if (conversationId === undefined || !this.#isLoaded || first <= 1) return
    const { conversations } = this.#source.calls
    const limit = this.#pageSize
    await this.#window.ask(
      async () => await conversations.messages({ conversationId, before: first, limit }, this.#callOptions()),
      ({ items }, put) => {
        for (const message of items) put(message)
      },
    )
    this.#changed()
    this.#synchronize()
  }

  // What one does

  async #change(call: (messages: Resources['messages']) => Promise<Message>): Promise<Message> {
    const message = await this.#window.ask(
      () => call(this.#source.calls.messages),
      (answer, put) => {
        if (answer.conversationId === this.#conversationId && this.#window.has(answer.seq)) put(answer)
      },
    )
    this.#changed()
    this.#synchronize()
    return message
  }

  async #markRead(conversationId: string, seq: number): Promise<void> {
    const { readSeq } = await this.#source.calls.conversations.read(
      { conversationId, seq },
      this.#callOptions(),
    )
    this.#answeredReadSeq = Math.max(this.#answeredReadSeq, readSeq)
    if (!this.#countsItself) this.#isHeadStale = true
    this.#changed()
    this.#synchronize()
  }

  #deliver(): void {
    if (this.#isDelivering || this.#connection === 'closed') return
    this.#isDelivering = true
    void this.#untilDelivered().finally(() => {
      this.#isDelivering = false
    })
  }

  async #untilDelivered(): Promise<void> {
    await this.#drafts.restored
    for (let attempt = 1; this.#connection !== 'closed'; ) {
      const draft = this.#drafts.list.find(
        ({ status, clientMessageId }) => status === 'pending' && !this.#answered.has(clientMessageId),
      )
      if (!draft) return
      const { clientMessageId } = draft
      const controller = new AbortController()
      this.#delivery = { clientMessageId, controller }
      try {
        await this.#window.ask(
          () => this.#sendDraft(draft, controller.signal),
          (message, put) => this.#onAnswer(clientMessageId, message, put),
        )
        attempt = 1
      } catch (error) {
        if (controller.signal.aborted) continue
        if (error instanceof SottoError && !error.retryable) {
          this.#drafts.fail(clientMessageId, error)
          this.#changed()
        } else {
          this.#report(error)
          await this.#pause(attempt)
          attempt += 1
        }
      } finally {
        this.#delivery = undefined
      }
    }
  }

  #sendDraft(draft: UnsentMessage, signal: AbortSignal): Promise<Message> {
    const { status: _, isMine: __, createdAt: ___, error: ____, ...content } = draft
    const to = typeof this.#target === 'string' ? { to: this.#target } : this.#target
    return this.#source.calls.messages.send({ ...to, ...content }, { signal })
  }

  #onAnswer(clientMessageId: string, message: Message, put: (message: Message) => void): void {
    if (this.#conversationId === undefined) this.#isHeadStale = true
    this.#me ??= message.senderId
    // An event may have brought it before.
    if (this.#drafts.find(clientMessageId)) {
      this.#answered.set(clientMessageId, message.seq)
      this.#knownSeq = Math.max(this.#knownSeq, message.seq)
      if (this.#isLoaded && this.#head) put(message)
    }
    this.#settleDrafts()
    this.#changed()
    this.#synchronize()
  }

  /** Takes out the drafts that are in the window now. */
  #settleDrafts(): void {
    if (this.#drafts.list.length === 0) return
    for (const [clientMessageId, seq] of this.#answered) {
      if (!this.#isLoaded || seq > this.#window.last) continue
      this.#answered.delete(clientMessageId)
      this.#drafts.remove(clientMessageId)
    }
    for (const message of this.#window.list) {
      if (message.clientMessageId !== null && message.isMine) this.#drafts.remove(message.clientMessageId)
    }
  }

  /** Until the next try: a growing time, or until the stream is back. */
  async #pause(attempt: number): Promise<void> {
    const waking = new AbortController()
    const wake = () => waking.abort()
    this.#wakes.add(wake)
    await sleepUntilOnline(jitter(attempt, BACKOFF), waking.signal)
    this.#wakes.delete(wake)
  }

  #wake(): void {
    for (const wake of [...this.#wakes]) wake()
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof SottoError && !error.retryable
}

function isNotFound(error: unknown): boolean {
  return error instanceof SottoError && error.code === 'CONVERSATION_NOT_FOUND'
}
