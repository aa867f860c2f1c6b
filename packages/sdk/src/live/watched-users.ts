import type { Event } from '@sotto/contract'

/** The maximum number of users a stream can watch. */
const MAX_WATCHED = 200

export type PresenceEvent = Extract<Event, { type: 'presence.changed' }>

/** The users whom a stream watches, and their latest presence. */
export class WatchedUsers {
  /** In the order they were requested. */
  readonly #wanted = new Set<string>()
  readonly #latest = new Map<string, PresenceEvent>()

  /** @returns whether this user is new. */
  add(userId: string): boolean {
    const isNew = !this.#wanted.delete(userId)
    this.#wanted.add(userId)
    return isNew
  }

  /**
   * The users to watch, as far as there is room. Includes users who are no longer needed, because a user shown once is
   * often shown again soon.
   */
  select(): readonly string[] {
    for (const userId of this.#wanted) {
      if (this.#wanted.size <= MAX_WATCHED) break
      this.#wanted.delete(userId)
      this.#latest.delete(userId)
    }
    return [...this.#wanted]
  }

  put(event: PresenceEvent): void {
    this.#latest.set(event.userId, event)
  }

  /** Whether this user is watched but no presence was received, because they shared no conversation with the user. */
  lacksPresence(userId: string): boolean {
    return this.#wanted.has(userId) && !this.#latest.has(userId)
  }

  /** The latest presence of a user whom the stream watches. */
  latest(userId: string): PresenceEvent | undefined {
    return this.#latest.get(userId)
  }
}
