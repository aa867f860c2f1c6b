import { setTimeout as sleep } from 'node:timers/promises'
import { comparePositions, type EventRow, type LogPosition, store } from '@sotto/db'
import { encodeEventCursor, type LogPoint } from './event-cursor.ts'
import { createItems, type ItemSources } from './event-items.ts'
import type { LogTail } from './log-tail.ts'
import {
  createItem,
  MAX_TAKEN_BYTES,
  type MissedItems,
  type ReplayReader,
  type StreamItem,
} from './subscription.ts'

/** A reader who missed more events than this gets a resync: loading everything again costs both sides less. */
const MAX_MISSED = 10_000
/** How many missed events are read from the log at once, and how many of these are fetched in full at once. */
const PAGE_SIZE = 500
const MAX_PART_SIZE = 100
const FIRST_PART_SIZE = 20
/** How long to wait for the tail when the reader's cursor, from another server, is ahead of it. */
const AHEAD_MS = 5

interface Options extends ItemSources {
  now: () => Date
  tail: Pick<LogTail, 'end' | 'hint'>
  /** How long events are kept, in milliseconds. An older cursor cannot be continued. */
  retentionMs: number
}

interface MissedRange {
  userId: string
  conversationId: string | undefined
  from: LogPoint
}

/** Reads what a user missed since a cursor, until the tail delivers everything that follows. */
export class Replay implements MissedItems {
  readonly #options: Options
  readonly #range: MissedRange
  #isChecked = false
  #hasHinted = false
  #page: readonly EventRow[] = []
  /** Everything up to here was returned, or is in the page. */
  #position: LogPosition
  #partSize = FIRST_PART_SIZE

  constructor(options: Options, range: MissedRange) {
    this.#options = options
    this.#range = range
    this.#position = range.from.position
  }

  async next(reader: ReplayReader): Promise<StreamItem[]> {
    const { tail } = this.#options
    if (!this.#isChecked) {
      if (!(await this.#canContinue())) {
        // The tail cannot advance between these two: there is no await.
        reader.goLive()
        return [this.#createResync()]
      }
      this.#isChecked = true
    }
    while (!reader.hasEnded) {
      if (this.#page.length > 0) {
        const items = await this.#nextPart()
        if (items.length > 0) return items
        continue
      }
      const end = tail.end.position
      const distance = comparePositions(this.#position, end)
      if (distance === 0) {
        // No await since the comparison: the tail pushes everything after this position.
        reader.goLive()
        return []
      }
      if (distance < 0) await this.#readPage(end)
      else await this.#waitForTail()
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
    await sleep(AHEAD_MS)
  }

  /** Whether it is the same log, and still has the cursor's position and all of what follows, which is not too much. */
  async #canContinue(): Promise<boolean> {
    const { db, now, tail, retentionMs } = this.#options
    const { userId, conversationId, from } = this.#range
    const { end } = tail
    if (from.epoch !== end.epoch) return false
    // In a quiet log the last event may be of any age.
    if (comparePositions(from.position, end.position) === 0 && from.at.getTime() === end.at.getTime()) {
      return true
    }
    if (now().getTime() - from.at.getTime() > retentionMs) return false
    if (from.position.id > 0) {
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
    return createItem({ id: `resync-${cursor}`, type: 'resync', conversationId: null, at: now() }, cursor)
  }
}
