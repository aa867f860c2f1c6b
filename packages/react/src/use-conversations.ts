import type { InboxState } from '@sotto/sdk'
import { useCallback, useSyncExternalStore } from 'react'
import { useViews } from './sotto-provider.tsx'

export interface Conversations extends InboxState {
  /** Loads the next page of conversations, if there is one. Rejects if the request fails. */
  loadMore(): Promise<void>
}

/** The inbox: conversations with their last message and unread count, most recent activity first. */
export function useConversations(): Conversations {
  const { inbox } = useViews()
  const state = useSyncExternalStore(inbox.subscribe, inbox.getSnapshot, inbox.getServerSnapshot)
  const loadMore = useCallback(() => inbox.view.loadMore(), [inbox])
  return { ...state, loadMore }
}
