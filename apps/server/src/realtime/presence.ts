import type { Logger } from 'pino'
import type { NewId } from '../lib/ids.ts'
import type { Signal } from './signals.ts'

/** How long a user stays online without a stream, in milliseconds, so that they can reconnect. */
const GRACE_MS = 5_000
/** The maximum number of users whose last-seen time is kept. */
const MAX_REMEMBERED = 100_000

export interface PresenceState {
  online: boolean
  lastSeenAt: Date | null
}

/** Presence on the other servers. */
export interface SharedPresence {
  setOnline(userId: string): Promise<void>
  setOffline(userId: string, at: Date): Promise<void>
  /** The state on the other servers. */
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

/** Tracks which users are online: those with an open stream. Not stored in the database. */
export class Presence {
  readonly #options: Options
  readonly #leaving = new Map<string, NodeJS.Timeout>()
  readonly #lastSeen = new Map<string, Date>()

  constructor(options: Options) {
    this.#options = options
  }

  /** A user's first stream opened, or their last one closed. */
  changed(userId: string, isStreaming: boolean): void {
    const leaving = this.#leaving.get(userId)
    clearTimeout(leaving)
    this.#leaving.delete(userId)
    if (isStreaming) {
      // A user who reconnects within the grace period was never offline.
      if (!leaving) this.#sendChange(userId, this.#arrive(userId))
      return
    }
    const at = this.#options.now()
    this.#remember(userId, at)
    const timer = setTimeout(() => {
      this.#leaving.delete(userId)
      this.#sendChange(userId, this.#leave(userId, at))
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

  /** Deletes a user's last-seen time. */
  async forget(userId: string): Promise<void> {
    this.#lastSeen.delete(userId)
    await this.#options.shared?.forget(userId)
  }

  close(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer)
    this.#leaving.clear()
  }

  /** @returns the new state; undefined if the user is also online on another server. */
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

  #sendChange(userId: string, change: Promise<PresenceState | undefined>): void {
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
      .catch((error: unknown) => log.warn({ err: error }, 'sending a presence signal failed'))
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
