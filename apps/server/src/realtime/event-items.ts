import { setImmediate } from 'node:timers/promises'
import { type EventRow, type Executor, store } from '@sotto/db'
import type { AddressedEvent } from './audience.ts'
import { encodeEventCursor, pointOf } from './event-cursor.ts'
import { loadSubjects, type Sources, type Subjects, viewKey, viewOf } from './event-view.ts'
import { createContent, createItem, type EventContent, type StreamItem } from './subscription.ts'

/** The number of events serialized in one iteration of the event loop, which takes a few milliseconds. */
const CONTENTS_PER_TURN = 100
/** The same for users who receive an event that has been serialized already. */
const ITEMS_PER_TURN = 2_000

/** Items by user, then by event in the order of the log. */
export type ItemsByUser = ReadonlyMap<string, ReadonlyMap<EventRow, StreamItem>>

/**
 * Creates the items for each user who receives the events, with the current state of their subjects. The result
 * contains every such user. Events whose subject no longer exists have no item.
 */
export async function createItems(
  sources: Sources,
  epoch: string,
  events: readonly AddressedEvent[],
): Promise<ItemsByUser> {
  const subjects = await loadSubjects(
    sources,
    events.map(({ row, userIds }) => ({ row, viewers: userIds })),
  )
  const isHidden = await findHiddenReceipts(sources.db, events)
  const items = new Map<string, Map<EventRow, StreamItem>>()
  let turn = 0
  for (const { row, userIds } of events) {
    const point = pointOf(epoch, row)
    const shared = new Map<string, EventContent | undefined>()
    for (const userId of userIds) {
      let own = items.get(userId)
      if (!own) {
        own = new Map()
        items.set(userId, own)
      }
      if (isHidden(row, userId)) continue
      const key = viewKey(subjects, row, userId)
      const isKnown = key !== undefined && shared.has(key)
      // Views wait for nothing, and one event of a large group can have hundreds.
      turn += isKnown ? 1 / ITEMS_PER_TURN : 1 / CONTENTS_PER_TURN
      if (turn >= 1) {
        turn = 0
        await setImmediate()
      }
      const content = isKnown ? shared.get(key) : contentOf(subjects, row, userId)
      if (key !== undefined) shared.set(key, content)
      if (content) own.set(row, createItem(content, encodeEventCursor(userId, point)))
    }
  }
  return items
}

function contentOf(subjects: Subjects, row: EventRow, userId: string): EventContent | undefined {
  const view = viewOf(subjects, row, userId)
  return view && createContent(view.event, view.message)
}

function isReceipt({ type }: EventRow): boolean {
  return type === 'receipt.delivered' || type === 'receipt.read'
}

/** Finds the receipts that a user does not learn of, because there is a block between them and the receipt's user. */
async function findHiddenReceipts(
  db: Executor,
  events: readonly AddressedEvent[],
): Promise<(row: EventRow, userId: string) => boolean> {
  const pairs = new Map<string, { userId: string; otherId: string }>()
  for (const { row, userIds } of events) {
    const { user_id: userId } = row
    if (!isReceipt(row) || userId === null) continue
    for (const otherId of userIds) {
      if (otherId !== userId) pairs.set(`${userId} ${otherId}`, { userId, otherId })
    }
  }
  const blocked = await store.blocks.findBlockedPairs(db, [...pairs.values()])
  const keys = new Set(blocked.map((pair) => `${pair.user_id} ${pair.other_id}`))
  return (row, userId) => isReceipt(row) && keys.has(`${row.user_id} ${userId}`)
}
