import type { Messages } from '@sotto/react'
import type { LiveMessage, SentMessage } from '@sotto/sdk'

interface FirstUnread {
  /** Its index among the loaded messages; -1 if it is not loaded or there is none. */
  index: number
  /** Whether it is before or after the loaded messages. */
  outside: 'before' | 'after' | undefined
}

/**
 * Finds the first message from another user that was unread when the conversation was opened.
 *
 * @param initialReadSeq the read position when the conversation was opened; undefined until it is known
 */
export function findFirstUnread(
  { messages, hasOlder, hasNewer, lastSeq }: Pick<Messages, 'messages' | 'hasOlder' | 'hasNewer' | 'lastSeq'>,
  initialReadSeq: number | undefined,
): FirstUnread {
  if (initialReadSeq === undefined || initialReadSeq >= lastSeq) return { index: -1, outside: undefined }
  const first = messages.find(isSent)?.seq ?? 0
  if (hasOlder && first > initialReadSeq + 1) return { index: -1, outside: 'before' }
  const last = messages.findLast(isSent)?.seq ?? 0
  if (hasNewer && last <= initialReadSeq) return { index: -1, outside: 'after' }
  const index = messages.findIndex(
    (message) => isSent(message) && !message.isMine && message.seq > initialReadSeq,
  )
  return { index, outside: undefined }
}

export function isSent(message: LiveMessage): message is SentMessage {
  return message.status === 'sent'
}
