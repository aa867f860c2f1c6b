/** A lock that callers acquire in the order they asked for it. */
export class FairLock {
  #held = false
  readonly #waiting = new Set<() => void>()

  /**
   * Resolves when the caller holds the lock. The caller must then call `release`.
   *
   * @param timeoutMs how long to wait at most
   * @throws {LockTimeoutError}
   */
  acquire(timeoutMs?: number): Promise<void> {
    if (!this.#held) {
      this.#held = true
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const start = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#waiting.add(start)
      if (timeoutMs === undefined) return
      timer = setTimeout(() => {
        this.#waiting.delete(start)
        reject(new LockTimeoutError(timeoutMs))
      }, timeoutMs)
    })
  }

  release(): void {
    // A set keeps insertion order.
    const [next] = this.#waiting
    if (next) {
      this.#waiting.delete(next)
      next()
    } else {
      this.#held = false
    }
  }
}

class LockTimeoutError extends Error {
  override readonly name = 'LockTimeoutError'
  /** The code SQLite uses when the database is busy. */
  readonly code = 'SQLITE_BUSY'

  constructor(timeoutMs: number) {
    super(
      `other transactions did not end within ${timeoutMs} ms (a transaction that uses the database outside its own handle never ends)`,
    )
  }
}
