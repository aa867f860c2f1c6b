import type { Event, Message } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { StreamStatus } from '../events.ts'
import type { Resources } from '../resources.ts'
import { ChangeSignal } from './change-signal.ts'
import { ConversationModel } from './conversation-model.ts'
import { ConversationSync } from './conversation-sync.ts'
import { Delivery } from './delivery.ts'
import type { MessageContent } from './drafts.ts'
import { Drafts } from './drafts.ts'
import type { ConversationTarget, JumpTarget, LiveOptions, LiveSource, LiveState } from './live-state.ts'
import type { SentMessage } from './message-window.ts'
import { Pauses } from './pauses.ts'

const DEFAULT_PAGE_SIZE = 50
const DEFAULT_MAX_MESSAGES = 500
/** What is shown around a place, and a page more on either side. */
const MIN_PAGES = 4

/**
 * A conversation that keeps itself up to date: a part of its messages, the newest ones at first, and what happens to
 * them, until `close()`.
 *
 * Ends up as the server has it, whatever is lost on the way; `state` is the same object until something changes.
 */
export class LiveConversation {
  readonly #source: LiveSource
  readonly #model: ConversationModel
  readonly #drafts: Drafts
  readonly #sync: ConversationSync
  readonly #delivery: Delivery
  readonly #pauses = new Pauses()
  readonly #changes = new ChangeSignal()
  readonly #closing = new AbortController()
  readonly #leave: () => void
  #connection: LiveState['connection'] = 'connecting'
  #wasConnected = false
  #error: unknown
  #state: LiveState | undefined
  #reading: { seq: number; done: Promise<void> } | undefined

  constructor(target: ConversationTarget, source: LiveSource, options: LiveOptions) {
    this.#source = source
    const { pageSize = DEFAULT_PAGE_SIZE, maxMessages = DEFAULT_MAX_MESSAGES } = options
    this.#model = new ConversationModel(target, Math.max(maxMessages, MIN_PAGES * pageSize))
    this.#drafts = new Drafts({
      key: `sotto/unsent/${typeof target === 'string' ? `to/${target.toLowerCase()}` : target.conversationId}`,
      storage: options.storage,
      onError: (error) => this.#report(error),
    })
    const shared = {
      model: this.#model,
      source,
      pauses: this.#pauses,
      signal: this.#closing.signal,
      onError: (error: unknown) => this.#report(error),
    }
    this.#sync = new ConversationSync({
      ...shared,
      pageSize,
      onChange: () => {
        if (this.#connection === 'connected') this.#error = undefined
        this.#delivery.settle()
        this.#changed()
      },
      onFailure: (error) => this.#fail(error),
    })
    this.#delivery = new Delivery({
      ...shared,
      drafts: this.#drafts,
      onChange: () => this.#advance(),
    })
    this.#leave = source.hub.join({
      onEvent: (event) => this.#onEvent(event),
      onStatus: (status, reason) => this.#onStatus(status, reason),
      onFailure: (error) => this.#fail(error),
    })
    void this.#drafts.restored.then(() => {
      this.#changed()
      this.#delivery.run()
    })
  }

  get state(): LiveState {
    this.#state ??= this.#snapshot()
    return this.#state
  }

  /** `state`, as a function: for `useSyncExternalStore(live.subscribe, live.getSnapshot)` and its like. */
  readonly getSnapshot = (): LiveState => this.state

  /** Calls the listener soon after each change, once for those that come together. @returns what ends that. */
  readonly subscribe = (listener: () => void): (() => void) => this.#changes.listen(listener)

  /**
   * Sends a message: it is in `state` at once, goes out as soon as it can, after those before it, and is repeated
   * until it is answered. When it is refused it stays as `failed`, and those behind it go on. Where older messages are
   * shown it jumps to the newest ones.
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
    if (!this.#sync.isForNewest) this.jumpTo('newest').catch(() => {})
    this.#delivery.run()
    return clientMessageId
  }

  /** Sends a failed message again, as the one that it was. */
  retry(clientMessageId: string): void {
    this.#drafts.retry(clientMessageId)
    this.#changed()
    this.#delivery.run()
  }

  /** Forgets an unsent message. One that is on its way may arrive all the same. */
  discard(clientMessageId: string): void {
    this.#delivery.discard(clientMessageId)
    this.#changed()
  }

  /** Adds the page before the first message, if there is one. Too many are let go at the other end. */
  loadOlder(): Promise<void> {
    return this.#sync.loadOlder()
  }

  /** Adds the page after the last message, if there is one. Too many are let go at the other end. */
  loadNewer(): Promise<void> {
    return this.#sync.loadNewer()
  }

  /**
   * Goes to another place, whose messages then take the place of those that are here, unless it is among them. Of
   * several jumps that are under way the last one counts, and what is to be loaded meanwhile is not. Without a network
   * it waits for one.
   *
   * @returns when `state` is there: the message of the place, or the one after it, or the newest where there is none
   * after it; undefined where there is none at all, and when another jump came first
   * @throws SottoError INVALID_INPUT for a seq or a date that is none
   */
  jumpTo(place: JumpTarget): Promise<SentMessage | undefined> {
    const landing = this.#sync.jump(place)
    this.#synchronize()
    return landing
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

  /** Reads up to a seq, the last message that is here unless told otherwise. Asks the server only for what is not read yet. */
  async markRead(seq: number = this.#model.window.list.at(-1)?.seq ?? 0): Promise<void> {
    const { conversationId, readMarks } = this.#model
    if (conversationId === undefined || seq <= readMarks.own) return
    if (this.#reading && this.#reading.seq >= seq) return await this.#reading.done
    const reading = { seq, done: this.#markRead(conversationId, seq) }
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
    const { conversationId, head, typing } = this.#model
    if (conversationId === undefined || head.hasLeft || this.#connection === 'closed') return
    if (!typing.isNews(isTyping)) return
    this.#source.calls.conversations
      .typing({ conversationId, typing: isTyping }, { signal: this.#closing.signal })
      .catch(() => {})
  }

  /** Ends the view and what it does. Unsent messages stay in the storage, if there is one. */
  close(): void {
    if (this.#connection === 'closed') return
    this.#connection = 'closed'
    this.#leave()
    this.#closing.abort(new SottoError('UNAVAILABLE', { detail: 'the conversation is closed' }))
    this.#pauses.wake()
    this.#changed()
  }

  /** As `close`; resolves when the storage has what is unsent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.#drafts.written
  }

  #snapshot(): LiveState {
    const { list: sent, follows } = this.#model.window
    const unsent = this.#drafts.list
    return {
      ...this.#model.describe(),
      // After older messages they would stand where others are left out.
      messages: unsent.length === 0 || !follows ? sent : [...sent, ...unsent],
      unsent,
      connection: this.#connection,
      error: this.#error,
    }
  }

  #changed(): void {
    this.#state = undefined
    this.#changes.notify()
  }

  /** After something was learned: shows it, and asks for what that leaves open. */
  #advance(): void {
    this.#delivery.settle()
    this.#changed()
    this.#synchronize()
  }

  /** Not before there is a stream, or none can be had: what happens in between would be missed. */
  #synchronize(): void {
    if (this.#connection !== 'connecting') this.#sync.run()
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

  #onStatus(status: StreamStatus, reason: unknown): void {
    if (status === 'resync') return
    const isFirst = this.#connection === 'connecting'
    this.#connection = status
    if (status === 'connected') {
      this.#error = undefined
      // What was asked for before there was a stream may have changed before there was one.
      if (!isFirst && !this.#wasConnected) this.#model.markAllStale()
      this.#wasConnected = true
    } else {
      this.#error = reason
      // Signals are not kept for those who are away.
      this.#model.typing.clear()
    }
    this.#changed()
    if (status === 'connected') this.#pauses.wake()
    this.#synchronize()
    this.#delivery.run()
  }

  #onEvent(event: Event): void {
    if (event.type === 'resync') {
      this.#model.markAllStale()
      this.#synchronize()
      return
    }
    if (event.conversationId === null) return
    const { conversationId } = this.#model
    if (event.conversationId === conversationId) {
      this.#model.apply(event)
      this.#advance()
    } else if (conversationId === undefined) {
      this.#sync.meet(event, event.conversationId)
    }
  }

  async #change(call: (messages: Resources['messages']) => Promise<Message>): Promise<Message> {
    const { window } = this.#model
    const message = await window.ask(
      () => call(this.#source.calls.messages),
      (answer, put) => {
        if (answer.conversationId === this.#model.conversationId && window.has(answer.seq)) put(answer)
      },
    )
    this.#advance()
    return message
  }

  async #markRead(conversationId: string, seq: number): Promise<void> {
    const { conversations } = this.#source.calls
    const { readSeq } = await conversations.read({ conversationId, seq }, { signal: this.#closing.signal })
    this.#model.readMarks.putAnswered(readSeq)
    this.#model.noteUnreadChange()
    this.#advance()
  }
}
