/** Half the time after which the server considers that a user has stopped typing, in milliseconds. */
const REPEAT_MS = 5_000

/** Who is typing, and when to report that the user is. */
export class Typing {
  #ids: readonly string[] = []
  #reportedAt: number | undefined

  /** The ids of other users who are typing, in the order they started. The same object until it changes. */
  get ids(): readonly string[] {
    return this.#ids
  }

  start(userId: string): void {
    this.#ids = [...this.#ids.filter((id) => id !== userId), userId]
  }

  stop(userId: string): void {
    if (this.#ids.includes(userId)) this.#ids = this.#ids.filter((id) => id !== userId)
  }

  clear(): void {
    if (this.#ids.length > 0) this.#ids = []
  }

  /**
   * Whether to notify the server, which then counts as done. While the user keeps typing, once in a while is enough.
   */
  shouldReport(isTyping: boolean): boolean {
    const reportedAgo = performance.now() - (this.#reportedAt ?? Number.NEGATIVE_INFINITY)
    if (isTyping ? reportedAgo < REPEAT_MS : reportedAgo > 2 * REPEAT_MS) return false
    this.#reportedAt = isTyping ? performance.now() : undefined
    return true
  }
}
