import type { ConversationTarget, LiveConversation, LiveState } from '@sotto/sdk'
import { useMemo, useSyncExternalStore } from 'react'
import { useSharedConversation } from './use-shared-conversation.ts'

/** Actions on the messages of a conversation. Their identity is stable per conversation. */
export type MessageActions = Pick<
  LiveConversation,
  | 'loadOlder'
  | 'loadNewer'
  | 'jumpTo'
  | 'markRead'
  | 'edit'
  | 'delete'
  | 'like'
  | 'unlike'
  | 'react'
  | 'unreact'
>

export type Messages = LiveState & MessageActions

/**
 * A conversation by user (username, id or `ext:` and an external id) or by conversation id: a window of its messages, initially the newest, kept
 * up to date. The state and actions are those of LiveConversation. Every change re-renders the component; unchanged
 * objects keep their identity.
 */
export function useMessages(target: ConversationTarget): Messages {
  const shared = useSharedConversation(target)
  const state = useSyncExternalStore(shared.subscribe, shared.getSnapshot, shared.getServerSnapshot)
  const actions = useMemo<MessageActions>(
    () => ({
      loadOlder: () => shared.view.loadOlder(),
      loadNewer: () => shared.view.loadNewer(),
      jumpTo: (target) => shared.view.jumpTo(target),
      markRead: (seq) => shared.current.markRead(seq),
      edit: (messageId, text) => shared.view.edit(messageId, text),
      delete: (messageId) => shared.view.delete(messageId),
      like: (messageId) => shared.view.like(messageId),
      unlike: (messageId) => shared.view.unlike(messageId),
      react: (messageId, emoji) => shared.view.react(messageId, emoji),
      unreact: (messageId, emoji) => shared.view.unreact(messageId, emoji),
    }),
    [shared],
  )
  return { ...state, ...actions }
}
