import type { Messages } from '@sotto/react'
import type { LiveMessage, SentMessage } from '@sotto/sdk'

interface FirstUnread {
  /** Where it is among the messages; -1 while it is not here, and where there is none. */
  index: number
  /** Which way it is where it is not here. */
  isElsewhere: 'before' | 'after' | undefined
}

/**
 * The first message of the others after what had been read when the conversation was opened, which it stays while it
 * is open.
 *
 * @param readBefore how far that was; undefined before it is known
 */
export function findFirstUnread(
  { messages, hasOlder, hasNewer, lastSeq }: Pick<Messages, 'messages' | 'hasOlder' | 'hasNewer' | 'lastSeq'>,
  readBefore: number | undefined,
): FirstUnread {
  if (readBefore === undefined || readBefore >= lastSeq) return { index: -1, isElsewhere: undefined }
  // Of those that are here the first one may have others before it.
  const first = messages.find(isSent)?.seq ?? 0
  if (hasOlder && first > readBefore + 1) return { index: -1, isElsewhere: 'before' }
  const last = messages.findLast(isSent)?.seq ?? 0
  if (hasNewer && last <= readBefore) return { index: -1, isElsewhere: 'after' }
  const index = messages.findIndex((one) => isSent(one) && !one.isMine && one.seq > readBefore)
  return { index, isElsewhere: undefined }
}

export function isSent(message: LiveMessage): message is SentMessage {
  return message.status === 'sent'
}
