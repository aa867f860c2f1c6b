import { SottoError } from '@sotto/contract'
import type { StreamStatus, WatchingStream } from '../events.ts'
import { openEvents } from '../events.ts'
import type { Entry, Message, StreamState } from './messages.ts'
import type { Role, SharedPage } from './role.ts'
import { streamKeyOf } from './stream-key.ts'

/** The maximum number of users a stream can watch. */
const MAX_WATCHED = 200
/** After so many failures of its token function, a leader lets another tab try. */
const MAX_TOKEN_FAILURES = 3

/** Reads the stream from the server and passes it on to the other tabs. */
export class Leader implements Role {
  readonly #page: SharedPage
  /** By tab. */
  readonly #watchedBy = new Map<string, readonly string[]>()
  #state: StreamState
  #stream: WatchingStream | undefined
  #number = 0
  #tokenFailures = 0
  readonly #connection = new AbortController()
  #hasStopped = false

  constructor(page: SharedPage) {
    this.#page = page
    this.#state = { isConnected: false, cursor: page.history.cursor }
    this.#watchedBy.set(page.id, page.watched())
    page.post({ type: 'leading' })
    // It continues at the page's position, if there is one.
    if (page.history.cursor !== undefined) page.ready()
    this.#run().catch(() => {
      if (!this.#hasStopped) page.fail()
    })
  }

  receive(message: Message): void {
    const { from } = message
    switch (message.type) {
      case 'join':
        this.#welcome(message)
        this.#watch(from, message.watched, message.watched)
        break
      case 'watch':
        this.#watch(from, message.watched, message.added)
        break
      case 'leave':
        this.#watchedBy.delete(from)
        break
      case 'ping':
        this.#answer()
        break
    }
  }

  watch(added: readonly string[]): void {
    this.#watch(this.#page.id, this.#page.watched(), added)
  }

  stop(): void {
    this.#hasStopped = true
    this.#connection.abort()
  }

  async #run(): Promise<void> {
    const { source, history } = this.#page
    const stream = openEvents(
      { ...source, headers: () => this.#headers() },
      {
        signal: this.#connection.signal,
        cursor: history.cursor,
        presence: this.#select(),
        onStatus: (status, reason) => this.#onStatus(status, reason, stream.cursor),
      },
      { patient: true, canWatch: true },
    )
    this.#stream = stream
    for await (const event of stream) this.#publish({ cursor: stream.cursor, event })
  }

  /** The credentials of each connection must be those of the followers. */
  async #headers(): Promise<Headers> {
    const { source, key, resign } = this.#page
    let headers: Headers
    try {
      headers = await source.headers()
      this.#tokenFailures = 0
    } catch (error) {
      this.#tokenFailures += 1
      if (this.#tokenFailures >= MAX_TOKEN_FAILURES && !this.#hasStopped) resign()
      throw error
    }
    const current = await streamKeyOf(source, headers)
    if (current.value !== key.value) throw new SottoError('UNAUTHENTICATED')
    return headers
  }

  #onStatus(status: StreamStatus, reason: unknown, cursor: string | undefined): void {
    // A resync is an event, too.
    if (this.#hasStopped || status === 'resync') return
    const { history } = this.#page
    const isConnected = status === 'connected'
    if (isConnected && history.cursor === undefined) {
      if (cursor !== undefined) history.reset(cursor)
      this.#page.ready()
    }
    this.#state = { isConnected, cursor: history.cursor, reason: isConnected ? undefined : describe(reason) }
    this.#page.setState(this.#state)
    this.#page.post({ type: 'state', state: this.#state })
  }

  #publish(entry: Entry): void {
    this.#page.accept(entry)
    this.#page.post({ type: 'entry', number: this.#number, entry })
    this.#number += 1
  }

  #welcome({ from, cursor }: Message & { type: 'join' }): void {
    const { history, post } = this.#page
    const missed = cursor === undefined ? undefined : history.after(cursor)
    const state = { ...this.#state, cursor: history.cursor }
    post({ type: 'welcome', to: from, number: this.#number, state, missed })
  }

  #answer(): void {
    const cursor = this.#stream?.cursor
    // The server moves the position of an idle stream, so that it does not expire.
    if (this.#state.isConnected && cursor !== undefined) this.#publish({ cursor })
    else this.#page.post({ type: 'state', state: this.#state })
  }

  #watch(tab: string, watched: readonly string[], added: readonly string[]): void {
    this.#watchedBy.delete(tab)
    this.#watchedBy.set(tab, watched)
    const { presence, post } = this.#page
    const events = added.flatMap((id) => presence.get(id) ?? [])
    if (events.length > 0 && tab !== this.#page.id) post({ type: 'presence', events })
    const missing = added.filter((id) => !presence.has(id))
    if (missing.length > 0) this.#stream?.watch(this.#select(), missing)
  }

  /** The users of all tabs. If they are too many, those of the tabs that asked last. */
  #select(): string[] {
    const all = new Set([...this.#watchedBy.values()].reverse().flat())
    return [...all].slice(0, MAX_WATCHED)
  }
}

function describe(reason: unknown): StreamState['reason'] {
  if (reason instanceof SottoError) return { code: reason.code, detail: reason.message }
  // An error of the token function. Its text is the app's own.
  return { code: 'UNAVAILABLE', detail: 'the token function of another tab failed' }
}
