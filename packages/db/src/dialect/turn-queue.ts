/** A lock that is handed on in the order in which it was asked for. */
export class TurnQueue {
  #taken = false
  readonly #waiting = new Set<() => void>()

  /**
   * Resolves when it is the caller's turn, who must then call `pass`.
   *
   * @param timeoutMs how long to wait at most
   * @throws {TurnTimeoutError}
   */
  take(timeoutMs?: number): Promise<void> {
    if (!this.#taken) {
      this.#taken = true
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const begin = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#waiting.add(begin)
      if (timeoutMs === undefined) return
      timer = setTimeout(() => {
        this.#waiting.delete(begin)
        reject(new TurnTimeoutError(timeoutMs))
      }, timeoutMs)
    })
  }

  pass(): void {
    // A set keeps the order in which its values were added.
    const [next] = this.#waiting
    if (next) {
      this.#waiting.delete(next)
      next()
    } else {
      this.#taken = false
    }
  }
}

class TurnTimeoutError extends Error {
  override readonly name = 'TurnTimeoutError'
  /** As SQLite says that others are writing. */
  readonly code = 'SQLITE_BUSY'

  constructor(timeoutMs: number) {
    super(
      `other transactions did not end within ${timeoutMs} ms (one that uses the database past its own handle never does)`,
    )
  }
}
