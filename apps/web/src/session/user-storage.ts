import type { ConversationTarget, DraftStorage } from '@sotto/sdk'

/** Keeps a user's unsent messages across reloads. */
export function userStorage(userId: string): DraftStorage {
  return {
    get: (key) => localStorage.getItem(`${userId}/${key}`),
    set(key, value) {
      if (value === '[]') localStorage.removeItem(`${userId}/${key}`)
      else localStorage.setItem(`${userId}/${key}`, value)
    },
  }
}

/** The SDK's storage key for unsent messages to a user or a conversation. */
const UNSENT = /^sotto\/unsent\/(to\/)?(.+)$/

/** The conversations in which the user has unsent messages. */
export function unsentConversations(userId: string): ConversationTarget[] {
  const targets: ConversationTarget[] = []
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(`${userId}/`)) continue
    const [, isDirect, name] = UNSENT.exec(key.slice(userId.length + 1)) ?? []
    if (name !== undefined) targets.push(isDirect ? name : { conversationId: name })
  }
  return targets
}
