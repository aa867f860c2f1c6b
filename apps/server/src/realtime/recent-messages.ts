import type { MessageRow } from '@sotto/db'

/** The maximum number of messages. */
const MAX_MESSAGES = 1_000
/** How long a message is kept, in milliseconds. Much longer than its event takes. */
const KEEP_MS = 1_000

interface Recent {
  message: MessageRow
  /** On the clock of `performance.now()`. */
  addedAt: number
}

/**
 * Messages that this server has just sent, so that the log's tail does not read them again.
 *
 * An event shows the state of its message at some time after the event. A message that was edited or deleted within
 * the time that its first event takes is shown as it was sent, and then changes with the next event.
 */
export class RecentMessages {
  /** In the order in which they were added. */
  readonly #byId = new Map<string, Recent>()

  /** The message may still be uncommitted. */
  add(message: MessageRow): void {
    const addedAt = performance.now()
    this.#byId.set(message.id, { message, addedAt })
    for (const [id, recent] of this.#byId) {
      if (this.#byId.size <= MAX_MESSAGES && addedAt - recent.addedAt <= KEEP_MS) break
      this.#byId.delete(id)
    }
  }

  /** A message as it was sent, not personalized for a viewer, unless it was sent too long ago or on another server. */
  find(id: string): MessageRow | undefined {
    const recent = this.#byId.get(id)
    return recent && performance.now() - recent.addedAt <= KEEP_MS ? recent.message : undefined
  }
}
