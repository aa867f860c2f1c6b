import { setImmediate } from 'node:timers/promises'
import { type EventRow, type Executor, store } from '@sotto/db'
import type { AddressedEvent } from './audience.ts'
import { encodeEventCursor, pointOf } from './event-cursor.ts'
import { findEventMessages, findFormerReaders, type ShowConversation, viewKey, viewOf } from './event-view.ts'
import { createContent, createItem, type EventContent, type StreamItem } from './subscription.ts'

/** The number of events serialized in one iteration of the event loop, which takes a few milliseconds. */
const CONTENTS_PER_TURN = 100
/** The same for users who receive an event that has been serialized already. */
const ITEMS_PER_TURN = 2_000

export interface ItemSources {
  db: Executor
  showConversation: ShowConversation
}

/** Items by user, then by event in the order of the log. */
export type ItemsByUser = ReadonlyMap<string, ReadonlyMap<EventRow, StreamItem>>

/**
 * Creates the items for each user who receives the events, with the current state of their subjects. The result
 * contains every such user. Events whose subject no longer exists have no item.
 */
export async function createItems(
  { db, showConversation }: ItemSources,
  epoch: string,
  events: readonly AddressedEvent[],
): Promise<ItemsByUser> {
  const rows = events.map(({ row }) => row)
  const messages = await findEventMessages(db, rows)
  const readers = [...new Set(events.flatMap(({ userIds }) => userIds))]
  const hasLeft = await findFormerReaders(db, messages, readers)
  const sources = { db, showConversation, messages, hasLeft }
  const blocks = await findReceiptBlocks(db, events)
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
      if (blocks.get(row.user_id ?? '')?.has(userId) && isReceipt(row)) continue
      const key = viewKey(sources, row, userId)
      const isKnown = key !== undefined && shared.has(key)
      // On SQLite, the views wait for nothing. One event of a large group can have hundreds.
      turn += isKnown ? 1 / ITEMS_PER_TURN : 1 / CONTENTS_PER_TURN
      if (turn >= 1) {
        turn = 0
        await setImmediate()
      }
      const content = isKnown ? shared.get(key) : await contentOf(sources, row, userId)
      if (key !== undefined) shared.set(key, content)
      if (content) own.set(row, createItem(content, encodeEventCursor(userId, point)))
    }
  }
  return items
}

async function contentOf(
  sources: Parameters<typeof viewOf>[0],
  row: EventRow,
  userId: string,
): Promise<EventContent | undefined> {
  const view = await viewOf(sources, row, userId)
  return view && createContent(view.event, view.message)
}

function isReceipt({ type }: EventRow): boolean {
  return type === 'receipt.delivered' || type === 'receipt.read'
}

/** For each user who has received or read something, the users who do not learn of it, because there is a block. */
async function findReceiptBlocks(
  db: Executor,
  events: readonly AddressedEvent[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, Date>>> {
  const receipts = Map.groupBy(
    events.filter(({ row }) => isReceipt(row)),
    ({ row }) => row.user_id ?? '',
  )
  const blocks = new Map<string, ReadonlyMap<string, Date>>()
  for (const [userId, own] of receipts) {
    const others = new Set(own.flatMap(({ userIds }) => userIds))
    blocks.set(userId, await store.blocks.findBetween(db, userId, [...others]))
  }
  return blocks
}
