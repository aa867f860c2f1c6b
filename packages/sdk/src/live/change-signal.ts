/** Tells listeners that something has changed: soon after, and once for changes that come together. */
export class ChangeSignal {
  readonly #listeners = new Set<() => void>()
  #isNotifying = false

  /** @returns what ends it. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  notify(): void {
    if (this.#isNotifying) return
    this.#isNotifying = true
    queueMicrotask(() => {
      this.#isNotifying = false
      // Each by itself, so that one that throws keeps nothing from the others.
      for (const listener of this.#listeners) queueMicrotask(listener)
    })
  }
}
