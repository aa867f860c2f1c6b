import type { Messages } from '@sotto/react'
import type { LiveMessage, SentMessage } from '@sotto/sdk'
import { useEffect, useState } from 'react'

interface FirstUnread {
  /** Where it is among the messages; -1 while it is not here, and where there is none. */
  index: number
  /** Whether there is one, here or further back. */
  isThere: boolean
  /** Loads older messages until it is here, and tells `onFound` then. */
  seek: () => void
}

interface Options extends Pick<Messages, 'messages' | 'hasOlder' | 'loadOlder'> {
  /** How far the reader had read when the conversation was opened; undefined before that. */
  readBefore: number | undefined
  onFound: (index: number) => void
}

/** The first message of the others that was unread when the conversation was opened, which it stays while it is open. */
export function useFirstUnread({ messages, hasOlder, loadOlder, readBefore, onFound }: Options): FirstUnread {
  const [isSeeking, setIsSeeking] = useState(false)
  const isUnread = (message: LiveMessage) =>
    isSent(message) && !message.isMine && message.seq > (readBefore ?? Infinity)
  const firstSeq = messages.find(isSent)?.seq ?? 0
  // Of those that are here the first one may have others before it.
  const isBefore = readBefore !== undefined && hasOlder && firstSeq > readBefore + 1
  const index = isBefore ? -1 : messages.findIndex(isUnread)

  useEffect(() => {
    if (!isSeeking) return
    if (isBefore) {
      loadOlder().catch(() => setIsSeeking(false))
    } else {
      setIsSeeking(false)
      if (index >= 0) onFound(index)
    }
  }, [isSeeking, isBefore, index, loadOlder, onFound, firstSeq])

  return { index, isThere: isBefore || index >= 0, seek: () => setIsSeeking(true) }
}

export function isSent(message: LiveMessage): message is SentMessage {
  return message.status === 'sent'
}
