import { SottoError } from '@sotto/contract'
import type { EventSource } from '../events.ts'
import { randomId } from '../random-id.ts'
import { Election } from './election.ts'
import { Follower } from './follower.ts'
import { History } from './history.ts'
import { Leader } from './leader.ts'
import type { Entry, Message, PresenceEvent, StreamState } from './messages.ts'
import { PROTOCOL } from './messages.ts'
import type { Channel } from './platform.ts'
import { platform, startBackgroundTimer } from './platform.ts'
import { Reader } from './reader.ts'
import type { OwnMessage, Role, SharedPage } from './role.ts'
import type { StreamKey } from './stream-key.ts'

/** How long a page keeps the stream without readers, in milliseconds: a new one often follows at once. */
const LINGER_MS = 1_000

interface Options {
  key: StreamKey
  source: EventSource
  onClose: () => void
}

/**
 * A page's end of the stream that the tabs of a browser share. One of them leads: it reads the stream from the server
 * and passes it on. If it is closed, crashes or is suspended, another one continues from its own position.
 */
export class SharedStream {
  readonly key: StreamKey
  readonly source: EventSource
  readonly #name: string
  readonly #onClose: () => void
  readonly #id = randomId()
  readonly #page: SharedPage
  readonly #election: Election
  readonly #history = new History()
  readonly #presence = new Map<string, PresenceEvent>()
  readonly #readers = new Set<Reader>()
  #channel: Channel | undefined
  #role: Role | undefined
  #state: StreamState | undefined
  #isReady = false
  #isClosed = false
  #lingering: ReturnType<typeof setTimeout> | undefined

  constructor({ key, source, onClose }: Options) {
    this.key = key
    this.source = source
    this.#onClose = onClose
    this.#name = `sotto/events/${PROTOCOL}/${key.value}`
    this.#page = this.#createPage()
    this.#election = new Election({
      lock: key.isShareable ? this.#name : undefined,
      onElected: () => this.#change(() => new Leader(this.#page)),
      onDeposed: () => {
        this.#change(() => new Follower(this.#page))
        this.#election.enter()
      },
    })
    platform.document?.addEventListener('freeze', this.#suspend)
    platform.document?.addEventListener('resume', this.#resume)
    platform.document?.addEventListener('visibilitychange', this.#check)
    platform.addEventListener?.('pagehide', this.#suspend)
    platform.addEventListener?.('pageshow', this.#resume)
    this.#resume()
  }

  /** @param cursor undefined to start as soon as the stream is connected */
  read(cursor: string | undefined, watched: readonly string[]): Reader {
    clearTimeout(this.#lingering)
    const reader = new Reader({ cursor, watched })
    if (this.#isClosed) reader.end()
    else this.#readers.add(reader)
    if (watched.length > 0) this.#role?.watch(watched)
    if (this.#isReady) this.#start(reader)
    else this.#putStatus(reader)
    return reader
  }

  /** Reports the presence of other users to the reader. */
  watch(reader: Reader, all: readonly string[], added: readonly string[]): void {
    reader.watched = all
    if (added.length === 0) return
    for (const id of added) {
      const event = this.#presence.get(id)
      if (event && reader.hasStarted) reader.putEntry({ cursor: undefined, event })
    }
    this.#role?.watch(added)
  }

  leave(reader: Reader): void {
    if (!this.#readers.delete(reader) || this.#readers.size > 0) return
    this.#lingering = startBackgroundTimer(() => this.#close(), LINGER_MS)
  }

  #createPage(): SharedPage {
    return {
      id: this.#id,
      key: this.key,
      source: this.source,
      history: this.#history,
      presence: this.#presence,
      watched: () => [...new Set([...this.#readers].flatMap(({ watched }) => watched))],
      post: (message) => this.#post(message),
      accept: (entry) => this.#accept(entry),
      setState: (state) => this.#setState(state),
      ready: () => this.#ready(),
      restart: (cursor) => this.#restart(cursor),
      resign: () => {
        this.#change(() => new Follower(this.#page))
        this.#election.enter()
      },
      takeOver: () => this.#election.takeOver(),
      fail: () => this.#fail(),
    }
  }

  #change(create: () => Role): void {
    this.#role?.stop()
    this.#isReady = false
    this.#role = create()
  }

  /** A suspended page cannot lead, and its connections would count against the limit of the browser. */
  readonly #suspend = (): void => {
    this.#role?.stop()
    this.#role = undefined
    this.#isReady = false
    this.#post({ type: 'leave' })
    this.#election.leave()
    this.#channel?.close()
    this.#channel = undefined
  }

  readonly #resume = (): void => {
    if (this.#role) return
    if (this.key.isShareable && platform.BroadcastChannel) {
      this.#channel = new platform.BroadcastChannel(this.#name)
      this.#channel.unref?.()
      // Only tabs of this origin can send to the channel, and the name contains the version of the messages.
      this.#channel.onmessage = ({ data }) => this.#role?.receive(data as Message)
      this.#change(() => new Follower(this.#page))
    }
    this.#election.enter()
  }

  /** A visible page should notice at once that its leader is suspended. */
  readonly #check = (): void => {
    if (platform.document?.visibilityState === 'visible' && this.#role instanceof Follower) this.#role.check()
  }

  #post(message: OwnMessage): void {
    this.#channel?.postMessage({ ...message, from: this.#id })
  }

  #accept(entry: Entry): void {
    if (entry.event?.type === 'presence.changed') this.#presence.set(entry.event.userId, entry.event)
    else if (entry.event || entry.cursor !== this.#history.cursor) this.#history.add(entry)
    for (const reader of this.#readers) if (reader.hasStarted) reader.putEntry(entry)
  }

  #setState(state: StreamState): void {
    this.#state = state
    // It is sent again after reconnecting.
    if (!state.isConnected) this.#presence.clear()
    for (const reader of this.#readers) this.#putStatus(reader)
  }

  #putStatus(reader: Reader): void {
    if (!this.#state) return
    const { isConnected, reason } = this.#state
    if (isConnected) {
      if (reader.hasStarted) reader.put({ type: 'status', status: 'connected', reason: undefined })
    } else {
      const error = reason && new SottoError(reason.code, { detail: reason.detail })
      reader.put({ type: 'status', status: 'reconnecting', reason: error })
    }
  }

  #ready(): void {
    this.#isReady = true
    for (const reader of this.#readers) if (!reader.hasStarted) this.#start(reader)
  }

  #start(reader: Reader): void {
    const { cursor } = reader
    const missed = cursor === undefined ? [] : this.#history.after(cursor)
    reader.start()
    if (!missed) {
      reader.interrupt()
      return
    }
    reader.putEntry({ cursor: cursor ?? this.#history.cursor })
    this.#putStatus(reader)
    for (const entry of missed) reader.putEntry(entry)
    for (const event of this.#presence.values()) reader.putEntry({ cursor: undefined, event })
  }

  #restart(cursor: string): void {
    this.#history.reset(cursor)
    for (const reader of this.#readers) if (reader.hasStarted) reader.interrupt()
  }

  #fail(): void {
    for (const reader of this.#readers) reader.end()
    this.#readers.clear()
    this.#close()
  }

  #close(): void {
    clearTimeout(this.#lingering)
    this.#isClosed = true
    this.#suspend()
    platform.document?.removeEventListener('freeze', this.#suspend)
    platform.document?.removeEventListener('resume', this.#resume)
    platform.document?.removeEventListener('visibilitychange', this.#check)
    platform.removeEventListener?.('pagehide', this.#suspend)
    platform.removeEventListener?.('pageshow', this.#resume)
    this.#onClose()
  }
}
