import type { ConversationTarget, MessageContent } from '@sotto/sdk'
import { useEffect, useMemo } from 'react'
import { useSharedConversation } from './use-shared-conversation.ts'

export interface Send {
  /**
   * Sends a message: it is among the messages at once, as `pending`, and goes out as soon as it can.
   *
   * @returns its clientMessageId
   */
  send(content: string | MessageContent): string
  /** Sends a failed message again, as the one that it was. */
  retry(clientMessageId: string): void
  /** Forgets an unsent message. One that is on its way may arrive all the same. */
  discard(clientMessageId: string): void
}

/** Sends into a conversation. The same object for the same conversation; messages that come render nothing anew. */
export function useSend(target: ConversationTarget): Send {
  const shared = useSharedConversation(target)
  // Who sends and leaves has sent: it stays open as long as the component, and a little longer.
  useEffect(() => shared.subscribe(() => {}), [shared])
  return useMemo(
    () => ({
      send: (content) => shared.view.send(content),
      retry: (clientMessageId) => shared.view.retry(clientMessageId),
      discard: (clientMessageId) => shared.view.discard(clientMessageId),
    }),
    [shared],
  )
}
