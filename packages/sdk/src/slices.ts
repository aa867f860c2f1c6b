/** How long to work until other tasks get their turn, in milliseconds. */
const SLICE_MS = 10

/** Divides long work into slices, between which a page can respond to its user. */
export class Slices {
  #startedAt = 0
  #next: Promise<void> | undefined

  /** Call this before each part of the work. @returns what to wait for first, if the current slice has been long. */
  pause(): Promise<void> | undefined {
    const now = performance.now()
    if (!this.#next) {
      this.#startedAt = now
      this.#next = nextTask().then(() => {
        this.#next = undefined
      })
    }
    return now - this.#startedAt < SLICE_MS ? undefined : this.#next
  }
}

/** The parts of a MessagePort used here, which Node's types do not declare completely. */
interface Port {
  onmessage: (() => void) | null
  postMessage(message: unknown): void
  close(): void
}

/** Resolves in the next task. */
function nextTask(): Promise<void> {
  const { MessageChannel } = globalThis as unknown as {
    MessageChannel?: new () => { port1: Port; port2: Port }
  }
  return new Promise((resolve) => {
    // React Native has none.
    if (!MessageChannel) {
      setTimeout(resolve)
      return
    }
    // Unlike timers, messages are not slowed down in a hidden page.
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
