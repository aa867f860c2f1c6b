import type { ConversationTarget, MessageContent } from '@sotto/sdk'
import { useEffect, useMemo } from 'react'
import { useSharedConversation } from './use-shared-conversation.ts'

export interface Send {
  /**
   * Sends a message. It is added to the messages immediately as `pending`, and sent as soon as possible.
   *
   * @returns its clientMessageId
   */
  send(content: string | MessageContent): string
  /** Sends a failed message again, with the same clientMessageId. */
  retry(clientMessageId: string): void
  /** Discards an unsent message. It may still arrive if it is already being sent. */
  discard(clientMessageId: string): void
}

/** Sends messages to a conversation. The result is stable per conversation: new messages cause no re-render. */
export function useSend(target: ConversationTarget): Send {
  const shared = useSharedConversation(target)
  // Keeps the conversation open while mounted, and after that until everything is sent.
  useEffect(() => shared.subscribe(() => {}), [shared])
  return useMemo(
    () => ({
      send: (content) => shared.view.send(content),
      retry: (clientMessageId) => shared.view.retry(clientMessageId),
      discard: (clientMessageId) => shared.current.discard(clientMessageId),
    }),
    [shared],
  )
}
