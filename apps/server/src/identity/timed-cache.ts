import { setImmediate } from 'node:timers/promises'

/** An entry is read again in rounds of this share of its lifetime. The rest is for the read itself. */
const ROUND_SHARE = 0.7
/** For how many lifetimes after its last use an entry is read again. */
const KEPT_LIFETIMES = 5
/** With fewer entries in use, looking them up one by one when they are used takes fewer statements. */
const MIN_REFRESHED = 10
/** The number of entries that are read again together. */
const MAX_REFRESHED = 500

interface Entry<Value> {
  value: Value
  expiresAt: number
  usedAt: number
}

interface Options<Value> {
  lifetimeMs: number
  maxEntries: number
  /**
   * Reads entries in use again before they expire, in one statement instead of one for each. Entries without a result
   * are dropped.
   */
  refresh?: (entries: ReadonlyMap<string, Value>) => Promise<ReadonlyMap<string, Value>>
}

/** A cache with a maximum size and age. Uses the monotonic clock. */
export class TimedCache<Value> {
  readonly #options: Options<Value>
  readonly #entries = new Map<string, Entry<Value>>()
  /** How often the cache was cleared. */
  #clearings = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: Options<Value>) {
    this.#options = options
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    const now = performance.now()
    if (entry.expiresAt > now) {
      entry.usedAt = now
      return entry.value
    }
    this.#entries.delete(key)
    return undefined
  }

  /** Returns the cached value, or looks it up. The result is not cached if the cache was cleared meanwhile. */
  async find<Found extends Value | undefined>(
    key: string,
    lookUp: () => Promise<Found>,
  ): Promise<Found | Value> {
    const known = this.get(key)
    if (known !== undefined) return known
    const clearings = this.#clearings
    const found = await lookUp()
    if (found !== undefined && clearings === this.#clearings) this.set(key, found)
    return found
  }

  set(key: string, value: Value): void {
    if (!this.#entries.has(key) && this.#entries.size >= this.#options.maxEntries) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    const now = performance.now()
    this.#add(key, { value, expiresAt: now + this.#options.lifetimeMs, usedAt: now })
    if (this.#options.refresh) this.#schedule()
  }

  clear(): void {
    this.#clearings++
    this.#entries.clear()
  }

  /** All entries have the same lifetime, so the first is the oldest. Adding one again moves it to the end. */
  #add(key: string, entry: Entry<Value>): void {
    this.#entries.delete(key)
    this.#entries.set(key, entry)
  }

  #schedule(): void {
    if (this.#timer || this.#entries.size === 0) return
    this.#timer = setTimeout(() => {
      void this.#refresh().finally(() => {
        this.#timer = undefined
        this.#schedule()
      })
    }, this.#options.lifetimeMs * ROUND_SHARE)
    this.#timer.unref()
  }

  async #refresh(): Promise<void> {
    const inUse: [string, Value][] = []
    const now = performance.now()
    for (const [key, { value, expiresAt, usedAt }] of this.#entries) {
      if (expiresAt <= now) this.#entries.delete(key)
      else if (now - usedAt < KEPT_LIFETIMES * this.#options.lifetimeMs) inUse.push([key, value])
    }
    if (inUse.length < MIN_REFRESHED) return
    for (let from = 0; from < inUse.length; from += MAX_REFRESHED) {
      // On SQLite, reading does not wait for anything.
      if (from > 0) await setImmediate()
      await this.#readAgain(new Map(inUse.slice(from, from + MAX_REFRESHED)))
    }
  }

  async #readAgain(entries: ReadonlyMap<string, Value>): Promise<void> {
    const { refresh, lifetimeMs } = this.#options
    const expiresAt = performance.now() + lifetimeMs
    const clearings = this.#clearings
    // Entries that cannot be read expire, and the next call reports the reason.
    const found = await refresh?.(entries).catch(() => undefined)
    if (!found || clearings !== this.#clearings) return
    for (const [key, before] of entries) {
      const entry = this.#entries.get(key)
      // It may have been looked up again meanwhile.
      if (entry?.value !== before) continue
      const value = found.get(key)
      if (value === undefined) this.#entries.delete(key)
      else this.#add(key, { value, expiresAt, usedAt: entry.usedAt })
    }
  }
}
