import type { Event, Message } from '@sotto/contract'
import { foldUserRef, SottoError } from '@sotto/contract'
import type { StreamStatus } from '../events.ts'
import type { Resources } from '../resources.ts'
import type { MessageContent, UnsentMessage } from '../unsent-message.ts'
import { unsentMessage } from '../unsent-message.ts'
import { ChangeSignal } from './change-signal.ts'
import { ConversationModel } from './conversation-model.ts'
import { ConversationSync } from './conversation-sync.ts'
import { Delivery } from './delivery.ts'
import type { Drafts, DraftsOptions } from './drafts.ts'
import type { ConversationTarget, JumpTarget, LiveOptions, LiveSource, LiveState } from './live-state.ts'
import type { SentMessage } from './message-window.ts'
import { Pauses } from './pauses.ts'
import { ReadReports } from './read-reports.ts'
import { toSottoError } from './to-sotto-error.ts'

const DEFAULT_PAGE_SIZE = 50
const DEFAULT_MAX_MESSAGES = 500
/** A page on each side of a position, plus one more page in each direction. */
const MIN_PAGES = 4

/** The view behind the public LiveConversation. */
export class LiveConversation {
  readonly #source: LiveSource
  readonly #model: ConversationModel
  readonly #drafts: Drafts
  readonly #sync: ConversationSync
  readonly #delivery: Delivery
  readonly #pauses = new Pauses()
  readonly #changes = new ChangeSignal()
  readonly #closing = new AbortController()
  readonly #reads = new ReadReports((seq) => this.#markRead(seq))
  readonly #leave: () => void
  #connection: LiveState['connection'] = 'connecting'
  #wasConnected = false
  #error: SottoError | undefined
  #storageError: SottoError | undefined
  #state: LiveState | undefined

  constructor(
    target: ConversationTarget,
    source: LiveSource,
    options: LiveOptions,
    createDrafts: (options: DraftsOptions) => Drafts,
  ) {
    this.#source = source
    const { pageSize = DEFAULT_PAGE_SIZE, maxMessages = DEFAULT_MAX_MESSAGES } = options
    this.#model = new ConversationModel(target, Math.max(maxMessages, MIN_PAGES * pageSize))
    this.#drafts = createDrafts({
      key: `sotto/unsent/${typeof target === 'string' ? `to/${foldUserRef(target)}` : target.conversationId}`,
      user: source.user,
      signal: this.#closing.signal,
      onChange: () => {
        this.#changed()
        this.#delivery.run()
      },
      onError: (error) => this.#reportStorage(error),
    })
    const shared = {
      model: this.#model,
      source,
      pauses: this.#pauses,
      signal: this.#closing.signal,
      onError: (error: unknown) => this.#report(error),
      onFailure: (error: unknown) => this.#fail(error),
    }
    this.#sync = new ConversationSync({
      ...shared,
      pageSize,
      onChange: () => {
        if (this.#connection === 'connected') this.#error = undefined
        this.#identify()
        this.#delivery.settle()
        this.#changed()
      },
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
    for (const restored of [this.#drafts.restored, this.#drafts.loaded]) {
      void restored.then(() => {
        this.#changed()
        this.#delivery.run()
      })
    }
  }

  get state(): LiveState {
    this.#state ??= this.#snapshot()
    return this.#state
  }

  /** Returns `state`. For `useSyncExternalStore(live.subscribe, live.getSnapshot)` and similar. */
  readonly getSnapshot = (): LiveState => this.state

  /**
   * Calls the listener in a task of its own after changes, once for all changes since the last time, at most every
   * 50 ms. All views of a page are notified together. @returns a function that unsubscribes.
   */
  readonly subscribe = (listener: () => void): (() => void) => this.#changes.listen(listener)

  /**
   * Sends a message. It is in `state` immediately, is sent after earlier ones, and is retried until the server
   * responds. A rejected message stays as `failed`, and later ones are sent regardless. If older messages are shown,
   * jumps to the newest ones.
   *
   * @returns its clientMessageId
   */
  send(content: string | MessageContent): string {
    if (this.#connection === 'closed')
      throw new SottoError('UNAVAILABLE', { detail: 'the conversation is closed' })
    const message = unsentMessage(content)
    this.add(message)
    return message.clientMessageId
  }

  /** Sends a message that was written before this view was loaded. */
  add(message: UnsentMessage): void {
    this.typing(false)
    this.#drafts.add(message)
    this.#changed()
    if (!this.#sync.targetsNewest) this.jumpTo('newest').catch(() => {})
    this.#delivery.run()
  }

  /** Sends a failed message again, with the same clientMessageId. */
  retry(clientMessageId: string): void {
    const retry = () => {
      this.#drafts.retry(clientMessageId)
      this.#changed()
      this.#delivery.run()
    }
    if (this.#drafts.find(clientMessageId)) retry()
    // The message may be in the storage.
    else void this.#drafts.loaded.then(retry)
  }

  /** Removes an unsent message. If it is being sent, it may still arrive. */
  discard(clientMessageId: string): void {
    this.#delivery.discard(clientMessageId)
    this.#changed()
  }

  /** Adds the page before the first message, if there is one. Excess messages are dropped at the other end. */
  loadOlder(): Promise<void> {
    return this.#sync.loadOlder()
  }

  /** Adds the page after the last message, if there is one. Excess messages are dropped at the other end. */
  loadNewer(): Promise<void> {
    return this.#sync.loadNewer()
  }

  /**
   * Moves to another position. Its messages replace the current ones, unless it is already among them. If several jumps
   * overlap, the last one wins, and pages requested in the meantime are not loaded. Without a network it waits for one.
   *
   * @returns once `state` is there: the message at the position, or the next one, or the newest if there is none after
   * it. Undefined if there are no messages, or if another jump replaced this one.
   * @throws SottoError INVALID_INPUT if the seq or the date is invalid.
   */
  jumpTo(target: JumpTarget): Promise<SentMessage | undefined> {
    const result = this.#sync.jump(target)
    this.#synchronize()
    return result
  }

  /** Resolves with the changed message once `state` contains it. The same applies to the methods below. */
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

  /**
   * Marks messages as read up to a seq, by default the last message in the window. Sends a request only if that is
   * news, and at most one every 2 s for later calls together, so it can be called for every new message.
   */
  async markRead(seq: number = this.#model.window.list.at(-1)?.seq ?? 0): Promise<void> {
    const { conversationId, readMarks } = this.#model
    if (conversationId === undefined || seq <= readMarks.own) return
    if (this.#connection === 'closed')
      throw new SottoError('UNAVAILABLE', { detail: 'the conversation is closed' })
    await this.#reads.mark(seq)
  }

  /**
   * Reports that the user is typing, or has stopped. Can be called on every key press: the server is notified only from
   * time to time. Errors are ignored.
   */
  typing(isTyping: boolean): void {
    const { conversationId, head, typing } = this.#model
    if (conversationId === undefined || head.hasLeft || this.#connection === 'closed') return
    if (!typing.shouldReport(isTyping)) return
    this.#source.calls.conversations
      .typing({ conversationId, typing: isTyping }, { signal: this.#closing.signal })
      .catch(() => {})
  }

  /** Closes the view and aborts its requests. Unsent messages stay in the storage, if there is one. */
  close(): void {
    if (this.#connection === 'closed') return
    this.#connection = 'closed'
    this.#leave()
    this.#reads.flush()
    this.#closing.abort(new SottoError('UNAVAILABLE', { detail: 'the conversation is closed' }))
    this.#pauses.wake()
    this.#changed()
  }

  /** Like `close`, and resolves when unsent messages are stored. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.#drafts.written
  }

  #snapshot(): LiveState {
    const { list: sent, follows } = this.#model.window
    const unsent = this.#drafts.list
    return {
      ...this.#model.describe(),
      // After older messages, they would appear in the place of messages that are not loaded.
      messages: unsent.length === 0 || !follows ? sent : [...sent, ...unsent],
      unsent,
      connection: this.#connection,
      error: this.#connection === 'closed' ? this.#error : (this.#storageError ?? this.#error),
    }
  }

  #changed(): void {
    this.#state = undefined
    this.#changes.notify()
  }

  /** Stored messages can be sent once it is known whose they are. */
  #identify(): void {
    const { me } = this.#model
    if (this.#source.user !== undefined || me === undefined) return
    this.#drafts.identify(me)
    this.#delivery.run()
  }

  /** Publishes a change and fetches what is missing after it. */
  #advance(): void {
    this.#delivery.settle()
    this.#changed()
    this.#synchronize()
  }

  /** Waits until a stream is open or has failed to open. Otherwise changes in between would be missed. */
  #synchronize(): void {
    if (this.#connection !== 'connecting') this.#sync.run()
  }

  #report(error: unknown): void {
    this.#error = toSottoError(error)
    this.#changed()
  }

  #reportStorage(error: SottoError | undefined): void {
    if (this.#storageError === error) return
    this.#storageError = error
    this.#changed()
  }

  #fail(error: unknown): void {
    if (this.#connection === 'closed') return
    this.#error = toSottoError(error)
    this.close()
  }

  #onStatus(status: StreamStatus, reason: unknown): void {
    if (status === 'resync') return
    const isFirst = this.#connection === 'connecting'
    this.#connection = status
    if (status === 'connected') {
      this.#error = undefined
      // Data fetched before the first stream opened may have changed since.
      if (!isFirst && !this.#wasConnected) this.#model.markAllStale()
      this.#wasConnected = true
    } else {
      this.#error = toSottoError(reason)
      // Typing signals are not replayed after a disconnect.
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
      this.#sync.handleUnknown(event, event.conversationId)
    }
  }

  async #change(call: (messages: Resources['messages']) => Promise<Message>): Promise<Message> {
    const { window } = this.#model
    const message = await window.fetch(
      () => call(this.#source.calls.messages),
      (response, put) => {
        if (response.conversationId === this.#model.conversationId && window.has(response.seq)) put(response)
      },
    )
    this.#advance()
    return message
  }

  async #markRead(seq: number): Promise<void> {
    const { conversationId } = this.#model
    if (conversationId === undefined) return
    // Not with the signal of the view: what the user has read counts even if the view closes now.
    const { readSeq } = await this.#source.calls.conversations.read({ conversationId, seq })
    this.#model.readMarks.putConfirmed(readSeq)
    this.#model.noteUnreadChange()
    this.#advance()
  }
}
