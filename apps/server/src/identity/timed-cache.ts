interface Entry<Value> {
  value: Value
  expiresAt: number
}

/** Keeps a bounded number of values for a bounded time. Times are of the process, not of the wall clock. */
export class TimedCache<Value> {
  readonly #entries = new Map<string, Entry<Value>>()
  readonly #lifetimeMs: number
  readonly #maxEntries: number
  /** How often it was cleared. */
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

  /** What is kept, or else what is looked up; that is kept unless the cache was cleared while it was looked for. */
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
    // Entries live equally long, so the first is the oldest; one that is set again moves to the end.
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
