/**
 * The shortest time from one notification to the next, in milliseconds. Rendering often takes longer than the changes
 * themselves, and when many events arrive at once, they arrive in many tasks.
 */
const INTERVAL_MS = 50

/** Notifies listeners of changes, once for all changes since the last time. */
export class ChangeSignal {
  /** One entry per call of `listen`: the same listener may listen twice. */
  readonly #entries = new Set<{ listener: () => void }>()

  /** @returns a function that removes the listener, which is not called again. */
  listen(listener: () => void): () => void {
    const entry = { listener }
    this.#entries.add(entry)
    return () => void this.#entries.delete(entry)
  }

  /** Calls the listeners in a task of its own, soon. */
  notify(): void {
    changed.add(this)
    plan()
  }

  /** Calls the listeners now. */
  callListeners(): void {
    for (const entry of [...this.#entries]) {
      // An earlier listener may have removed this one.
      if (!this.#entries.has(entry)) continue
      try {
        entry.listener()
      } catch (error) {
        // Reported as uncaught, without affecting the other listeners.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}

/** Of all views: they are notified together, so that a framework can render them together. */
const changed = new Set<ChangeSignal>()
/** The function with which a notification is planned. Timers of a test framework may never fire once it is replaced. */
let plannedWith: typeof setTimeout | undefined
let notifiedAt = Number.NEGATIVE_INFINITY

function plan(): void {
  if (plannedWith === setTimeout) return
  plannedWith = setTimeout
  const left = notifiedAt + INTERVAL_MS - performance.now()
  setTimeout(notifyAll, Math.min(INTERVAL_MS, Math.max(0, left)))
}

function notifyAll(): void {
  plannedWith = undefined
  const signals = [...changed]
  changed.clear()
  for (const signal of signals) signal.callListeners()
  // After what the listeners have planned in microtasks, such as React's rendering.
  queueMicrotask(() => {
    notifiedAt = performance.now()
  })
}
