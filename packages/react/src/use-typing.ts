import type { ConversationTarget } from '@sotto/sdk'
import { useCallback, useSyncExternalStore } from 'react'
import { useSharedConversation } from './use-shared-conversation.ts'

export interface Typing {
  /** The ids of the other participants who are typing. */
  readonly typing: readonly string[]
  /** Reports that the user is typing, or has stopped. Call it on every input: it is throttled. */
  setTyping(isTyping: boolean): void
}

/** Who is typing in a conversation. Re-renders only when that changes. */
export function useTyping(target: ConversationTarget): Typing {
  const shared = useSharedConversation(target)
  const typing = useSyncExternalStore(
    shared.subscribe,
    () => shared.getSnapshot().typing,
    () => shared.getServerSnapshot().typing,
  )
  const setTyping = useCallback((isTyping: boolean) => shared.current.typing(isTyping), [shared])
  return { typing, setTyping }
}
