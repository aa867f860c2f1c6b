import { type Executor, store } from '@sotto/db'
import type { Logger } from 'pino'
import { isBelievable, latestBelievable } from '../lib/clock.ts'
import type { NewId } from '../lib/ids.ts'
import type { Signal } from './signals.ts'

/** How long a user stays online without a stream, in milliseconds, so that they can reconnect. */
const GRACE_MS = 5_000
/** How long last-seen times are collected before they are written, in milliseconds. */
const WRITE_MS = 1_000
const MAX_ROWS = 500

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
  db: Executor
  now: () => Date
  newId: NewId
  log: Logger
  send: (signal: Signal) => void
  isStreaming: (userId: string) => boolean
  /** Undefined for a single server. */
  shared: SharedPresence | undefined
}

/** Tracks which users are online: those with an open stream. Only the time when they were last seen is stored. */
export class Presence {
  readonly #options: Options
  readonly #leaving = new Map<string, NodeJS.Timeout>()
  /** Times that are not yet written. */
  readonly #lastSeen = new Map<string, Date>()
  #writeTimer: NodeJS.Timeout | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** A user's first stream opened, or their last one closed. */
  changed(userId: string, isStreaming: boolean): void {
    const leaving = this.#leaving.get(userId)
    clearTimeout(leaving)
    this.#leaving.delete(userId)
    const at = this.#options.now()
    // Also when users arrive, in case this server fails before they leave.
    this.#remember(userId, at)
    if (isStreaming) {
      // A user who reconnects within the grace period was never offline.
      if (!leaving) this.#sendChange(userId, this.#arrive(userId))
      return
    }
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
    const stored = await store.lastSeen.find(this.#options.db, userId)
    return {
      online: false,
      lastSeenAt: this.#latest(this.#lastSeen.get(userId), stored, elsewhere?.lastSeenAt),
    }
  }

  /** Deletes a user's last-seen time. */
  async forget(userId: string): Promise<void> {
    this.#lastSeen.delete(userId)
    await this.#options.db.transaction().execute((trx) => store.lastSeen.remove(trx, userId))
    await this.#options.shared?.forget(userId)
  }

  /** Writes the last-seen times. */
  async close(): Promise<void> {
    for (const timer of this.#leaving.values()) clearTimeout(timer)
    this.#leaving.clear()
    clearTimeout(this.#writeTimer)
    await this.#write()
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

  /** Without times of clocks that were ahead. */
  #latest(...times: readonly (Date | null | undefined)[]): Date | null {
    const now = this.#options.now()
    const past = times.filter((at) => at != null && isBelievable(at, now)).map(Number)
    return past.length > 0 ? new Date(Math.max(...past)) : null
  }

  #remember(userId: string, at: Date): void {
    this.#lastSeen.set(userId, at)
    this.#writeTimer ??= setTimeout(() => void this.#write(), WRITE_MS).unref()
  }

  /** Times that cannot be written are lost. */
  async #write(): Promise<void> {
    this.#writeTimer = undefined
    const { db, now, log } = this.#options
    const rows = [...this.#lastSeen].map(([userId, at]) => ({ user_id: userId, seen_at: at }))
    for (let from = 0; from < rows.length; from += MAX_ROWS) {
      const part = rows.slice(from, from + MAX_ROWS)
      try {
        await db.transaction().execute((trx) => store.lastSeen.note(trx, part, latestBelievable(now())))
      } catch (error) {
        log.warn({ err: error }, 'writing last-seen times failed')
      }
      for (const { user_id: userId, seen_at: at } of part) {
        if (this.#lastSeen.get(userId) === at) this.#lastSeen.delete(userId)
      }
    }
  }
}
