import type { Conversation, Event } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { StreamStatus } from '../events.ts'
import { ChangeSignal } from './change-signal.ts'
import { InboxModel } from './inbox-model.ts'
import type { LiveSource } from './live-state.ts'
import { Pauses } from './pauses.ts'
import { toSottoError } from './to-sotto-error.ts'

const DEFAULT_PAGE_SIZE = 50
/** The server's maximum page size. */
const MAX_PAGE_SIZE = 200

export interface InboxOptions {
  /** The number of conversations to load initially and with each `loadMore`. Default: 50, at most 200. */
  pageSize?: number | undefined
}

/** The state of an inbox. Immutable: each change creates a new state in which unchanged parts keep their identity. */
export interface InboxState {
  /** Latest activity first. Includes loaded conversations and those with activity since. */
  readonly conversations: readonly Conversation[]
  /** Whether the first page has been loaded. */
  readonly isLoaded: boolean
  /** Whether `loadMore` can load more. */
  readonly hasMore: boolean
  /** `closed` after `close()` or a permanent failure, whose reason is in `error`. */
  readonly connection: 'connecting' | 'connected' | 'reconnecting' | 'closed'
  /** The last error: why it is reconnecting or has failed permanently. */
  readonly error: SottoError | undefined
}

/** The view behind the public LiveInbox. */
export class LiveInbox {
  readonly #source: LiveSource
  readonly #pageSize: number
  readonly #model = new InboxModel()
  readonly #pauses = new Pauses()
  readonly #changes = new ChangeSignal()
  readonly #closing = new AbortController()
  readonly #leave: () => void
  #connection: InboxState['connection'] = 'connecting'
  #wasConnected = false
  #error: SottoError | undefined
  #state: InboxState | undefined
  #isLoaded = false
  /** Whether the first pages must be fetched (again). */
  #isStale = true
  #nextCursor: string | null = null
  #isRunning = false
  #more: Promise<void> | undefined

  constructor(source: LiveSource, { pageSize = DEFAULT_PAGE_SIZE }: InboxOptions) {
    this.#source = source
    this.#pageSize = pageSize
    this.#leave = source.hub.join({
      onEvent: (event) => this.#onEvent(event),
      onStatus: (status, reason) => this.#onStatus(status, reason),
      onFailure: (error) => this.#fail(error),
    })
  }

  get state(): InboxState {
    this.#state ??= {
      conversations: this.#model.list,
      isLoaded: this.#isLoaded,
      hasMore: this.#nextCursor !== null,
      connection: this.#connection,
      error: this.#error,
    }
    return this.#state
  }

  /** Returns `state`. For `useSyncExternalStore(inbox.subscribe, inbox.getSnapshot)` and similar. */
  readonly getSnapshot = (): InboxState => this.state

  /**
   * Calls the listener in a task of its own after changes, once for all changes since the last time, at most every
   * 50 ms. All views of a page are notified together. @returns a function that unsubscribes.
   */
  readonly subscribe = (listener: () => void): (() => void) => this.#changes.listen(listener)

  /** Adds the page after the last conversation, if there is one. */
  loadMore(): Promise<void> {
    this.#more ??= this.#loadMore().finally(() => {
      this.#more = undefined
    })
    return this.#more
  }

  /** Closes the view and aborts its requests. */
  close(): void {
    if (this.#connection === 'closed') return
    this.#connection = 'closed'
    this.#leave()
    this.#closing.abort(new SottoError('UNAVAILABLE', { detail: 'the inbox is closed' }))
    this.#pauses.wake()
    this.#changed()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #changed(): void {
    this.#state = undefined
    this.#changes.notify()
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
    this.#error = status === 'connected' ? undefined : toSottoError(reason)
    if (status === 'connected') {
      // Data fetched before the first stream opened may have changed since.
      if (!isFirst && !this.#wasConnected) this.#isStale = true
      this.#wasConnected = true
      this.#pauses.wake()
    }
    this.#changed()
    this.#run()
  }

  #onEvent(event: Event): void {
    if (event.type === 'resync') this.#isStale = true
    else if (event.conversationId === null) return
    else this.#model.apply(event)
    this.#changed()
    this.#run()
  }

  /** Fetches what is missing, one request at a time, until nothing is. */
  #run(): void {
    if (this.#isRunning || this.#closing.signal.aborted) return
    this.#isRunning = true
    void this.#sync().finally(() => {
      this.#isRunning = false
    })
  }

  async #sync(): Promise<void> {
    const { signal } = this.#closing
    for (let attempt = 1; !signal.aborted; ) {
      try {
        const [id] = this.#model.stale
        if (this.#isStale) await this.#loadFirst()
        else if (id !== undefined) await this.#loadOne(id)
        else return
        attempt = 1
        if (this.#connection === 'connected') this.#error = undefined
        this.#changed()
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof SottoError && !error.retryable) return this.#fail(error)
        this.#error = toSottoError(error)
        this.#changed()
        await this.#pauses.wait(attempt)
        attempt += 1
      }
    }
  }

  /** Fetches as many conversations as are loaded, so that a user who has scrolled down loses none. */
  async #loadFirst(): Promise<void> {
    const { calls } = this.#source
    const { signal } = this.#closing
    const requestedAt = this.#model.step
    const limit = Math.min(MAX_PAGE_SIZE, Math.max(this.#pageSize, this.#model.list.length))
    this.#isStale = false
    try {
      this.#model.me ??= await this.#source.me()
      const { items, nextCursor } = await calls.conversations.list({ limit }, { signal })
      this.#model.restart(requestedAt)
      for (const conversation of items) this.#model.putResponse(conversation, requestedAt)
      this.#nextCursor = nextCursor
      this.#isLoaded = true
    } catch (error) {
      this.#isStale = true
      throw error
    }
  }

  async #loadOne(conversationId: string): Promise<void> {
    const requestedAt = this.#model.step
    try {
      const { get } = this.#source.calls.conversations
      this.#model.putResponse(await get({ conversationId }, { signal: this.#closing.signal }), requestedAt)
    } catch (error) {
      if (!(error instanceof SottoError) || error.code !== 'CONVERSATION_NOT_FOUND') throw error
      this.#model.remove(conversationId, requestedAt)
    }
  }

  async #loadMore(): Promise<void> {
    const cursor = this.#nextCursor
    if (cursor === null) return
    const requestedAt = this.#model.step
    const { conversations } = this.#source.calls
    const { signal } = this.#closing
    const { items, nextCursor } = await conversations.list({ cursor, limit: this.#pageSize }, { signal })
    // The list was reloaded in the meantime.
    if (this.#nextCursor !== cursor) return
    for (const conversation of items) this.#model.putResponse(conversation, requestedAt)
    this.#nextCursor = nextCursor
    this.#changed()
    this.#run()
  }
}
