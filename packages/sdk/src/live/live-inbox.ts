import type { Conversation, Event } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { StreamStatus } from '../events.ts'
import { ChangeSignal } from './change-signal.ts'
import { InboxModel } from './inbox-model.ts'
import type { LiveSource } from './live-state.ts'
import { Pauses } from './pauses.ts'

const DEFAULT_PAGE_SIZE = 50
/** The longest list that the server answers. */
const MAX_PAGE_SIZE = 200

export interface InboxOptions {
  /** How many conversations to begin with, and to add with each `loadMore`. 50 unless told otherwise, at most 200. */
  pageSize?: number | undefined
}

/** How things stand. Never changed: when something happens there is a new one, with the same parts where they are the same. */
export interface InboxState {
  /** Latest activity first: those that were loaded, and those in which something happened since. */
  readonly conversations: readonly Conversation[]
  /** Whether the first page is here. */
  readonly isLoaded: boolean
  /** Whether there are more for `loadMore`. */
  readonly hasMore: boolean
  /** `closed` after `close()`, and when it failed for good; `error` says why. */
  readonly connection: 'connecting' | 'connected' | 'reconnecting' | 'closed'
  /** What went wrong last: why it is reconnecting, or what failed for good. */
  readonly error: unknown
}

/**
 * The inbox of a user that keeps itself up to date until `close()`: who wrote last, what, and how much is unread.
 *
 * Ends up as the server has it, whatever is lost on the way; `state` is the same object until something changes.
 */
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
  #error: unknown
  #state: InboxState | undefined
  #isLoaded = false
  /** The first pages have to be asked for (again). */
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

  /** `state`, as a function: for `useSyncExternalStore(inbox.subscribe, inbox.getSnapshot)` and its like. */
  readonly getSnapshot = (): InboxState => this.state

  /** Calls the listener soon after each change, once for those that come together. @returns what ends that. */
  readonly subscribe = (listener: () => void): (() => void) => this.#changes.listen(listener)

  /** Adds the page after the last conversation, if there is one. */
  loadMore(): Promise<void> {
    this.#more ??= this.#loadMore().finally(() => {
      this.#more = undefined
    })
    return this.#more
  }

  /** Ends it and what it does. */
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
    this.#error = error
    this.close()
  }

  #onStatus(status: StreamStatus, reason: unknown): void {
    if (status === 'resync') return
    const isFirst = this.#connection === 'connecting'
    this.#connection = status
    this.#error = status === 'connected' ? undefined : reason
    if (status === 'connected') {
      // What was asked for before there was a stream may have changed before there was one.
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

  /** Asks the server for what is missing, one question after the other, until nothing is. */
  #run(): void {
    if (this.#isRunning || this.#closing.signal.aborted) return
    this.#isRunning = true
    void this.#untilCurrent().finally(() => {
      this.#isRunning = false
    })
  }

  async #untilCurrent(): Promise<void> {
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
        this.#error = error
        this.#changed()
        await this.#pauses.wait(attempt)
        attempt += 1
      }
    }
  }

  /** As many as are here, so that who has scrolled down loses nothing. */
  async #loadFirst(): Promise<void> {
    const { calls } = this.#source
    const { signal } = this.#closing
    const asked = this.#model.step
    const limit = Math.min(MAX_PAGE_SIZE, Math.max(this.#pageSize, this.#model.list.length))
    this.#isStale = false
    try {
      this.#model.me ??= (await calls.users.me({}, { signal })).id
      const { items, nextCursor } = await calls.conversations.list({ limit }, { signal })
      this.#model.restart(asked)
      for (const conversation of items) this.#model.putAnswer(conversation, asked)
      this.#nextCursor = nextCursor
      this.#isLoaded = true
    } catch (error) {
      this.#isStale = true
      throw error
    }
  }

  async #loadOne(conversationId: string): Promise<void> {
    const asked = this.#model.step
    try {
      const { get } = this.#source.calls.conversations
      this.#model.putAnswer(await get({ conversationId }, { signal: this.#closing.signal }), asked)
    } catch (error) {
      if (!(error instanceof SottoError) || error.code !== 'CONVERSATION_NOT_FOUND') throw error
      this.#model.remove(conversationId, asked)
    }
  }

  async #loadMore(): Promise<void> {
    const cursor = this.#nextCursor
    if (cursor === null) return
    const asked = this.#model.step
    const { conversations } = this.#source.calls
    const { signal } = this.#closing
    const { items, nextCursor } = await conversations.list({ cursor, limit: this.#pageSize }, { signal })
    // Begun anew meanwhile.
    if (this.#nextCursor !== cursor) return
    for (const conversation of items) this.#model.putAnswer(conversation, asked)
    this.#nextCursor = nextCursor
    this.#changed()
    this.#run()
  }
}
