import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { comparePositions, type EventRow, type LogPosition, store } from '@sotto/db'
import { isBelievable } from '../lib/clock.ts'
import { encodeEventCursor, type LogPoint } from './event-cursor.ts'
import { createItems } from './event-items.ts'
import type { Sources } from './event-view.ts'
import type { LogTail } from './log-tail.ts'
import {
  createContent,
  createItem,
  MAX_TAKEN_BYTES,
  type MissedItems,
  type ReplayReader,
  type StreamItem,
} from './subscription.ts'

/** A reader who missed more events than this receives a resync: reloading costs both sides less. */
const MAX_MISSED = 10_000
/** The number of missed events that are read from the log at once, and that are fetched in full at once. */
const PAGE_SIZE = 500
const MAX_PART_SIZE = 100
const FIRST_PART_SIZE = 20
/** How often to check whether the tail has caught up with a cursor from another server, in milliseconds. */
const CATCH_UP_MS = 5

interface Options extends Sources {
  now: () => Date
  tail: Pick<LogTail, 'end' | 'hint'>
  /** How long events are kept, in milliseconds. A reader cannot resume from an older cursor. */
  retentionMs: number
}

interface MissedRange {
  userId: string
  conversationId: string | undefined
  from: LogPoint
}

/** Reads the events a user missed since a cursor, up to the position from which the tail delivers. */
export class Replay implements MissedItems {
  readonly #options: Options
  readonly #range: MissedRange
  #isChecked = false
  #hasHinted = false
  #page: readonly EventRow[] = []
  /** All events up to here were returned or are in the page. */
  #position: LogPosition
  #partSize = FIRST_PART_SIZE

  constructor(options: Options, range: MissedRange) {
    this.#options = options
    this.#range = range
    this.#position = range.from.position
  }

  async next(reader: ReplayReader, signal: AbortSignal | undefined): Promise<StreamItem[]> {
    const { tail } = this.#options
    if (!this.#isChecked) {
      if (!(await this.#canResume())) {
        // There is no await between these two, so the tail cannot advance.
        reader.goLive()
        return [this.#createResync()]
      }
      this.#isChecked = true
    }
    while (!reader.hasEnded) {
      if (this.#page.length > 0) {
        // On SQLite, reading does not wait for anything, so other requests would not be served in between.
        await setImmediate()
        const items = await this.#nextPart()
        if (items.length > 0) return items
        continue
      }
      const end = tail.end.position
      const distance = comparePositions(this.#position, end)
      if (distance === 0) {
        // There was no await since the comparison, so the tail pushes everything after this position.
        reader.goLive()
        return []
      }
      if (distance < 0) {
        await this.#readPage(end)
      } else {
        if (signal?.aborted) return []
        await this.#waitForTail()
      }
    }
    return []
  }

  async #readPage(upTo: LogPosition): Promise<void> {
    const { userId, conversationId } = this.#range
    const after = this.#position
    this.#page = await store.eventLog.readMissed(this.#options.db, {
      userId,
      conversationId,
      after,
      upTo,
      limit: PAGE_SIZE,
    })
    const last = this.#page.length < PAGE_SIZE ? undefined : this.#page.at(-1)
    this.#position = last ? { xid: last.xid, id: last.id } : upTo
  }

  async #nextPart(): Promise<StreamItem[]> {
    const { userId } = this.#range
    const part = this.#page.slice(0, this.#partSize)
    const events = part.map((row) => ({ row, userIds: [userId] }))
    const created = await createItems(this.#options, this.#options.tail.end.epoch, events)
    const items = [...(created.get(userId)?.values() ?? [])]
    this.#page = this.#page.slice(part.length)
    const bytes = items.reduce((sum, item) => sum + item.bytes, 0)
    if (bytes > 0) {
      const fitting = Math.floor((part.length * MAX_TAKEN_BYTES) / bytes)
      this.#partSize = Math.min(MAX_PART_SIZE, Math.max(1, fitting))
    }
    return items
  }

  async #waitForTail(): Promise<void> {
    if (!this.#hasHinted) this.#options.tail.hint()
    this.#hasHinted = true
    await sleep(CATCH_UP_MS)
  }

  /** Whether the log is the same one and still has all events since the cursor, and they are not too many. */
  async #canResume(): Promise<boolean> {
    const { db, now, tail, retentionMs } = this.#options
    const { userId, conversationId, from } = this.#range
    const { end } = tail
    if (from.epoch !== end.epoch) return false
    // If there are no new events, the last one can have any age.
    if (comparePositions(from.position, end.position) === 0 && from.at.getTime() === end.at.getTime()) {
      return true
    }
    // Also false for a time outside the range of Date.
    if (!(now().getTime() - from.at.getTime() <= retentionMs)) return false
    // Later events may have been deleted: their times are behind this one.
    if (!isBelievable(from.at, now())) return false
    // A position beyond the log must not be waited for: no server has issued it, and the log may never reach it.
    if (!isStart(from.position)) {
      const at = await store.eventLog.findTime(db, from.position)
      if (at?.getTime() !== from.at.getTime()) return false
    }
    const missed = await store.eventLog.countMissed(db, {
      userId,
      conversationId,
      after: from.position,
      upTo: end.position,
      limit: MAX_MISSED + 1,
    })
    return missed <= MAX_MISSED
  }

  #createResync(): StreamItem {
    const { now, tail } = this.#options
    const cursor = encodeEventCursor(this.#range.userId, tail.end)
    const event = { id: `resync-${cursor}`, type: 'resync', conversationId: null, at: now() } as const
    return createItem(createContent(event), cursor)
  }
}

/** The position of an empty log, where there is no event. */
function isStart({ xid, id }: LogPosition): boolean {
  return xid === '0' && id === 0
}
