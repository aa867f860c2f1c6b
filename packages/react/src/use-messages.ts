import type { ConversationTarget, LiveConversation, LiveState } from '@sotto/sdk'
import { useMemo, useSyncExternalStore } from 'react'
import { useSharedConversation } from './use-shared-conversation.ts'

/** What can be done with the messages of a conversation; the same object for the same conversation. */
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
 * A conversation, with a user (a username or an id) or by its id: a part of its messages, the newest ones
 * at first, and what happens to them.
 * As LiveConversation; every change renders the component anew, and what has not changed is the same object.
 */
export function useMessages(target: ConversationTarget): Messages {
  const shared = useSharedConversation(target)
  const state = useSyncExternalStore(shared.subscribe, shared.getSnapshot, shared.getServerSnapshot)
  const actions = useMemo<MessageActions>(
    () => ({
      loadOlder: () => shared.view.loadOlder(),
      loadNewer: () => shared.view.loadNewer(),
      jumpTo: (place) => shared.view.jumpTo(place),
      markRead: (seq) => shared.view.markRead(seq),
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
