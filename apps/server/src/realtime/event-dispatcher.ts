import { setImmediate } from 'node:timers/promises'
import type { EventRow } from '@sotto/db'
import type { Metrics } from '../metrics/metrics.ts'
import { type AddressedEvent, Audience } from './audience.ts'
import { createItems, type ItemsByUser } from './event-items.ts'
import type { Sources } from './event-view.ts'
import type { LogBatch } from './log-tail.ts'
import type { StreamRegistry } from './stream-registry.ts'
import { MAX_TAKEN_BYTES, type StreamItem } from './subscription.ts'
import type { WriteTurns } from './write-turns.ts'

interface Options extends Sources {
  now: () => Date
  streams: StreamRegistry
  turns: WriteTurns
  metrics: Pick<Metrics, 'eventDispatched'>
}

/** Delivers events from the log's tail to the open streams of the users who may see them. */
export class EventDispatcher {
  readonly #options: Options
  readonly #audience: Audience

  constructor(options: Options) {
    this.#options = options
    this.#audience = new Audience(options.db)
  }

  /** Must be called when events were skipped. */
  reset(): void {
    this.#audience.clear()
  }

  /**
   * Fetches the items first, then pushes them and advances the tail without an await in between. A stream that opens
   * during the fetch starts at the tail's old position, so its items are fetched as well.
   */
  async dispatch({ epoch, rows, advance }: LogBatch): Promise<void> {
    const items = new Map<string, ReadonlyMap<EventRow, StreamItem>>()
    let rest: readonly AddressedEvent[] = await this.#audience.resolve(rows)
    while (rest.length > 0) {
      // Lets readers take their items, so that a burst does not disconnect readers who keep up.
      await this.#options.turns.finished()
      for (;;) {
        const userIds = this.#streamingUsers(rest, items)
        if (userIds.size === 0) break
        // More streams may open during this await.
        const added = await createItems(this.#options, epoch, addressedTo(userIds, rest))
        for (const [userId, own] of added) items.set(userId, own)
      }
      const pushed = this.#push(rest, items, advance)
      rest = rest.slice(pushed)
      // The same for readers that take no turns.
      if (rest.length > 0) await setImmediate()
    }
  }

  /** The users with a stream who receive any of the events and have no items yet. */
  #streamingUsers(events: readonly AddressedEvent[], items: ItemsByUser): Set<string> {
    const { streams } = this.#options
    const found = new Set<string>()
    for (const { userIds } of events) {
      for (const userId of userIds) if (streams.has(userId) && !items.has(userId)) found.add(userId)
    }
    return found
  }

  /**
   * Pushes events until a user has as much as a reader can take at once.
   *
   * @returns the number of events pushed.
   */
  #push(events: readonly AddressedEvent[], items: ItemsByUser, advance: LogBatch['advance']): number {
    const { now, streams, metrics } = this.#options
    const bytes = new Map<string, number>()
    let count = 0
    for (const { row, userIds } of events) {
      let isFull = false
      for (const userId of userIds) {
        const item = items.get(userId)?.get(row)
        if (!item) continue
        streams.push(userId, item)
        const total = (bytes.get(userId) ?? 0) + item.bytes
        bytes.set(userId, total)
        isFull ||= total >= MAX_TAKEN_BYTES
      }
      advance(row)
      metrics.eventDispatched((now().getTime() - row.created_at.getTime()) / 1_000)
      count++
      if (isFull) break
    }
    return count
  }
}

function addressedTo(users: ReadonlySet<string>, events: readonly AddressedEvent[]): AddressedEvent[] {
  return events.flatMap(({ row, userIds }) => {
    const own = userIds.filter((userId) => users.has(userId))
    return own.length > 0 ? [{ row, userIds: own }] : []
  })
}
