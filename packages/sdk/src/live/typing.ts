/** Half the time for which the server believes that somebody types, in milliseconds. */
const AGAIN_MS = 5_000

/** Who types, and when to say that one does. */
export class Typing {
  #ids: readonly string[] = []
  #toldAt: number | undefined

  /** The ids of the others who type, who began last at the end. The same object until something changes. */
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

  /** Whether the server needs to be told, which then counts as done: while one types, once in a while is enough. */
  isNews(isTyping: boolean): boolean {
    const toldAgo = performance.now() - (this.#toldAt ?? Number.NEGATIVE_INFINITY)
    if (isTyping ? toldAgo < AGAIN_MS : toldAgo > 2 * AGAIN_MS) return false
    this.#toldAt = isTyping ? performance.now() : undefined
    return true
  }
}
