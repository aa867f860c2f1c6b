import type { ConversationTarget, DraftStorage } from '@sotto/sdk'

/** A stored message. The rest is the SDK's. */
interface Item {
  clientMessageId: string
}

/** The value of one key: a message, and its position among the others of its conversation. */
interface Stored {
  position: number
  item: Item
}

/**
 * Keeps a user's unsent messages across reloads, each under its own key: a tab that has not seen another tab's latest
 * message does not overwrite it.
 */
export function userStorage(userId: string): DraftStorage {
  /** What the last `get` returned, by key. */
  const read = new Map<string, ReadonlyMap<string, Stored>>()
  return {
    get(key) {
      const stored = readAll(`${userId}/${key}`)
      read.set(key, stored)
      return JSON.stringify([...stored.values()].map(({ item }) => item))
    },
    set(key, value) {
      const prefix = `${userId}/${key}`
      const before = read.get(key) ?? new Map<string, Stored>()
      const items = JSON.parse(value) as Item[]
      const kept = new Set(items.map(({ clientMessageId }) => clientMessageId))
      for (const id of before.keys()) if (!kept.has(id)) localStorage.removeItem(`${prefix}/${id}`)
      // Earlier versions stored the whole list under one key.
      const isList = localStorage.getItem(prefix) !== null
      let position = 0
      for (const item of items) {
        const known = before.get(item.clientMessageId)
        position = known?.position ?? position + 1
        if (!isList && JSON.stringify(known?.item) === JSON.stringify(item)) continue
        localStorage.setItem(`${prefix}/${item.clientMessageId}`, JSON.stringify({ position, item }))
      }
      localStorage.removeItem(prefix)
    },
  }
}

function readAll(prefix: string): ReadonlyMap<string, Stored> {
  const stored: Stored[] = []
  const list = parse(localStorage.getItem(prefix))
  if (Array.isArray(list)) stored.push(...(list as Item[]).map((item, position) => ({ position, item })))
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(`${prefix}/`) && !key.slice(prefix.length + 1).includes('/')) {
      const value = parse(localStorage.getItem(key))
      if (isStored(value)) stored.push(value)
    }
  }
  stored.sort((a, b) => a.position - b.position)
  return new Map(stored.map((value) => [value.item.clientMessageId, value]))
}

function isStored(value: unknown): value is Stored {
  return typeof value === 'object' && value !== null && 'position' in value && 'item' in value
}

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return null
  }
}

/** The SDK's storage key for unsent messages to a user or a conversation, and the id of one of them. */
const UNSENT = /^sotto\/unsent\/(to\/)?(.+?)(?:\/[0-9a-f]{32})?$/

/** The conversations in which the user has unsent messages. */
export function unsentConversations(userId: string): ConversationTarget[] {
  const targets = new Map<string, ConversationTarget>()
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(`${userId}/`)) continue
    const [, isDirect, name] = UNSENT.exec(key.slice(userId.length + 1)) ?? []
    if (name !== undefined) targets.set(`${isDirect}${name}`, isDirect ? name : { conversationId: name })
  }
  return [...targets.values()]
}
