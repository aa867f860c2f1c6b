/** Notifies listeners of changes in a microtask, once for changes made together. */
export class ChangeSignal {
  readonly #listeners = new Set<() => void>()
  #isNotifying = false

  /** @returns a function that removes the listener. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  notify(): void {
    if (this.#isNotifying) return
    this.#isNotifying = true
    queueMicrotask(() => {
      this.#isNotifying = false
      // In separate microtasks, so that a listener that throws does not affect the others.
      for (const listener of this.#listeners) queueMicrotask(listener)
    })
  }
}
