import type { Event } from '@sotto/contract'

/** The maximum number of users a stream can watch. */
const MAX_WATCHED = 200

export type PresenceEvent = Extract<Event, { type: 'presence.changed' }>

/** The users whom a stream watches, and their latest presence. */
export class WatchedUsers {
  /** In the order they were requested. */
  readonly #wanted = new Set<string>()
  readonly #latest = new Map<string, PresenceEvent>()
  #selected: readonly string[] = []
  #accepted: readonly string[] = []

  /** @returns whether the stream must reconnect to watch this user. */
  add(userId: string): boolean {
    this.#wanted.delete(userId)
    this.#wanted.add(userId)
    return !this.#selected.includes(userId)
  }

  /**
   * Selects the users for a new connection. As far as there is room, includes users who are no longer needed, because a
   * user shown once is often shown again soon.
   */
  select(): readonly string[] {
    for (const userId of this.#wanted) {
      if (this.#wanted.size <= MAX_WATCHED) break
      this.#wanted.delete(userId)
      this.#latest.delete(userId)
    }
    this.#selected = [...this.#wanted]
    return this.#selected
  }

  /** Records that the server accepted the selected users. */
  accept(): void {
    this.#accepted = this.#selected
  }

  /**
   * Records that the server rejected the selection because a user does not exist. Drops the users added since the last
   * accepted selection, or else all.
   */
  reject(): void {
    const fresh = this.#selected.filter((userId) => !this.#accepted.includes(userId))
    for (const userId of fresh.length > 0 ? fresh : this.#selected) {
      this.#wanted.delete(userId)
      this.#latest.delete(userId)
    }
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
