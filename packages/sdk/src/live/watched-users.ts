import type { Event } from '@sotto/contract'

/** As many as a stream may watch. */
const MAX_WATCHED = 200

export type PresenceEvent = Extract<Event, { type: 'presence.changed' }>

/** Whom a stream watches, and what it has told of them. */
export class WatchedUsers {
  /** In the order of being asked for. */
  readonly #wanted = new Set<string>()
  readonly #latest = new Map<string, PresenceEvent>()
  #named: readonly string[] = []
  #accepted: readonly string[] = []

  /** @returns whether the stream has to be opened anew for it. */
  want(userId: string): boolean {
    this.#wanted.delete(userId)
    this.#wanted.add(userId)
    return !this.#named.includes(userId)
  }

  /**
   * Whom to name to a stream that is being opened: as long as there is room also those whom nobody watches any more,
   * since whoever looks at one user soon looks at the same one again.
   */
  name(): readonly string[] {
    for (const userId of this.#wanted) {
      if (this.#wanted.size <= MAX_WATCHED) break
      this.#wanted.delete(userId)
      this.#latest.delete(userId)
    }
    this.#named = [...this.#wanted]
    return this.#named
  }

  /** The server watches all that were named. */
  accept(): void {
    this.#accepted = this.#named
  }

  /** One of those named does not exist (any more): goes on without those that are new, or else without any. */
  refuse(): void {
    const fresh = this.#named.filter((userId) => !this.#accepted.includes(userId))
    for (const userId of fresh.length > 0 ? fresh : this.#named) {
      this.#wanted.delete(userId)
      this.#latest.delete(userId)
    }
  }

  put(event: PresenceEvent): void {
    this.#latest.set(event.userId, event)
  }

  /** Whether somebody watches this user, and nothing was told of them: there was no conversation to share. */
  isMissed(userId: string): boolean {
    return this.#wanted.has(userId) && !this.#latest.has(userId)
  }

  /** What was told last of a user whom the stream watches. */
  latest(userId: string): PresenceEvent | undefined {
    return this.#latest.get(userId)
  }
}
