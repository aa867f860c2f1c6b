import type { InboxState } from '@sotto/sdk'
import { useCallback, useSyncExternalStore } from 'react'
import { useViews } from './sotto-provider.tsx'

export interface Conversations extends InboxState {
  /** Adds the page after the last conversation, if there is one. Rejects when the server cannot be asked. */
  loadMore(): Promise<void>
}

/** The inbox: conversations with their last message and how much is unread, latest activity first. */
export function useConversations(): Conversations {
  const { inbox } = useViews()
  const state = useSyncExternalStore(inbox.subscribe, inbox.getSnapshot, inbox.getServerSnapshot)
  const loadMore = useCallback(() => inbox.view.loadMore(), [inbox])
  return { ...state, loadMore }
}
