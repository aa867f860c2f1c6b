interface Entry<Value> {
  value: Value
  expiresAt: number
}

/** A cache with a maximum size and age. Uses the monotonic clock. */
export class TimedCache<Value> {
  readonly #entries = new Map<string, Entry<Value>>()
  readonly #lifetimeMs: number
  readonly #maxEntries: number
  /** How often the cache was cleared. */
  #clearings = 0

  constructor(lifetimeMs: number, maxEntries: number) {
    this.#lifetimeMs = lifetimeMs
    this.#maxEntries = maxEntries
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    if (entry.expiresAt > performance.now()) return entry.value
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
    // All entries have the same lifetime, so the first is the oldest. Setting one again moves it to the end.
    this.#entries.delete(key)
    if (this.#entries.size >= this.#maxEntries) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    this.#entries.set(key, { value, expiresAt: performance.now() + this.#lifetimeMs })
  }

  clear(): void {
    this.#clearings++
    this.#entries.clear()
  }
}
