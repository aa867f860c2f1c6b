import type { ConversationTarget } from '@sotto/sdk'
import { useCallback, useSyncExternalStore } from 'react'
import { useSharedConversation } from './use-shared-conversation.ts'

export interface Typing {
  /** The ids of the others who are typing. */
  readonly typing: readonly string[]
  /** Says that one is typing, or no longer. Call it with every key: the server hears of it once in a while. */
  setTyping(isTyping: boolean): void
}

/** Who types in a conversation. Renders anew only when that changes. */
export function useTyping(target: ConversationTarget): Typing {
  const shared = useSharedConversation(target)
  const typing = useSyncExternalStore(
    shared.subscribe,
    () => shared.getSnapshot().typing,
    () => shared.getServerSnapshot().typing,
  )
  const setTyping = useCallback((isTyping: boolean) => shared.view.typing(isTyping), [shared])
  return { typing, setTyping }
}
