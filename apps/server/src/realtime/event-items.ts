import type { EventRow, Executor } from '@sotto/db'
import type { AddressedEvent } from './audience.ts'
import { encodeEventCursor, pointOf } from './event-cursor.ts'
import { findEventMessages, type ShowConversation, viewOf } from './event-view.ts'
import { createItem, type StreamItem } from './subscription.ts'

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
  const sources = { db, showConversation, messages: await findEventMessages(db, rows) }
  const items = new Map<string, Map<EventRow, StreamItem>>()
  for (const { row, userIds } of events) {
    const point = pointOf(epoch, row)
    for (const userId of userIds) {
      let own = items.get(userId)
      if (!own) {
        own = new Map()
        items.set(userId, own)
      }
      const view = await viewOf(sources, row, userId)
      if (view) own.set(row, createItem(view.event, encodeEventCursor(userId, point), view.message))
    }
  }
  return items
}
