import type { Logger } from 'pino'
import type { NewId } from '../lib/ids.ts'
import type { Signal } from './signals.ts'

/** How long a user may be without a stream before they count as gone: the time of a reconnect, in milliseconds. */
const GRACE_MS = 5_000
/** How many users' last times are remembered. */
const MAX_REMEMBERED = 100_000

export interface PresenceState {
  online: boolean
  lastSeenAt: Date | null
}

/** What other servers know of who is online. */
export interface SharedPresence {
  setOnline(userId: string): Promise<void>
  setOffline(userId: string, at: Date): Promise<void>
  /** As the other servers see it. */
  find(userId: string): Promise<PresenceState>
  forget(userId: string): Promise<void>
}

interface Options {
  now: () => Date
  newId: NewId
  log: Logger
  send: (signal: Signal) => void
  isStreaming: (userId: string) => boolean
  /** Undefined for a single server. */
  shared: SharedPresence | undefined
}

/** Who is online: whoever has a stream open. Never in the database. */
export class Presence {
  readonly #options: Options
  readonly #leaving = new Map<string, NodeJS.Timeout>()
  readonly #lastSeen = new Map<string, Date>()

  constructor(options: Options) {
    this.#options = options
  }

  /** A user's first stream has opened, or the last one has closed. */
  changed(userId: string, isStreaming: boolean): void {
    const leaving = this.#leaving.get(userId)
    clearTimeout(leaving)
    this.#leaving.delete(userId)
    if (isStreaming) {
      // Somebody who was about to leave has not been away.
      if (!leaving) this.#tell(userId, this.#arrive(userId))
      return
    }
    const at = this.#options.now()
    this.#remember(userId, at)
    const timer = setTimeout(() => {
      this.#leaving.delete(userId)
      this.#tell(userId, this.#leave(userId, at))
    }, GRACE_MS)
    timer.unref()
    this.#leaving.set(userId, timer)
  }

  async find(userId: string): Promise<PresenceState> {
    if (this.#options.isStreaming(userId) || this.#leaving.has(userId))
      return { online: true, lastSeenAt: null }
    const elsewhere = await this.#options.shared?.find(userId)
    if (elsewhere?.online) return elsewhere
    return { online: false, lastSeenAt: later(this.#lastSeen.get(userId), elsewhere?.lastSeenAt) }
  }

  /** Keeps no time of when a user was seen. */
  async forget(userId: string): Promise<void> {
    this.#lastSeen.delete(userId)
    await this.#options.shared?.forget(userId)
  }

  close(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer)
    this.#leaving.clear()
  }

  /** @returns what has changed for everyone; undefined when they were online on another server. */
  async #arrive(userId: string): Promise<PresenceState | undefined> {
    const { shared } = this.#options
    const before = await shared?.find(userId)
    await shared?.setOnline(userId)
    return before?.online ? undefined : { online: true, lastSeenAt: null }
  }

  async #leave(userId: string, at: Date): Promise<PresenceState | undefined> {
    const { shared } = this.#options
    await shared?.setOffline(userId, at)
    const now = await shared?.find(userId)
    return now?.online ? undefined : { online: false, lastSeenAt: at }
  }

  #tell(userId: string, change: Promise<PresenceState | undefined>): void {
    const { newId, now, send, log } = this.#options
    change
      .then((state) => {
        if (!state) return
        const event = {
          id: newId(),
          type: 'presence.changed' as const,
          conversationId: null,
          at: now(),
          userId,
          ...state,
        }
        send({ to: { watchersOf: userId }, event })
      })
      .catch((error: unknown) => log.warn({ err: error }, 'a presence was not told'))
  }

  #remember(userId: string, at: Date): void {
    this.#lastSeen.delete(userId)
    if (this.#lastSeen.size >= MAX_REMEMBERED) {
      const [oldest] = this.#lastSeen.keys()
      if (oldest !== undefined) this.#lastSeen.delete(oldest)
    }
    this.#lastSeen.set(userId, at)
  }
}

function later(a: Date | undefined, b: Date | null | undefined): Date | null {
  if (!a || !b) return a ?? b ?? null
  return a > b ? a : b
}
