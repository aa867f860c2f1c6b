import type { Messages, Send } from '@sotto/react'
import type { LiveMessage } from '@sotto/sdk'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { MessageRow } from './message-row.tsx'
import { isSent, useFirstUnread } from './use-first-unread.ts'
import { useReading } from './use-reading.ts'

/** The height of a message of one line, in pixels, until it is measured. */
const USUAL_HEIGHT = 56
/** Whoever is this near to the newest message stays with it, in pixels. */
const NEAR_THE_END = 80
/** From how many messages before the first one on older ones are loaded. */
const NEAR_THE_START = 15

interface Props {
  conversation: Messages
  retry: Send['retry']
  discard: Send['discard']
}

/** The messages of a conversation: only those in sight are in the page, however many there are. */
export function MessageList({ conversation, retry, discard }: Props) {
  const { messages, isLoaded, hasOlder, loadOlder, readSeq, unreadCount, markRead } = conversation
  const scroller = useRef<HTMLDivElement>(null)
  const list = useVirtualizer({
    count: messages.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => USUAL_HEIGHT,
    getItemKey: (index) => keyOf(messages[index]),
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: NEAR_THE_END,
    overscan: 8,
  })
  const items = list.getVirtualItems()
  const isAtEnd = list.isAtEnd(NEAR_THE_END)
  const firstIndex = items[0]?.index

  // Where reading begins: what was unread when the conversation was opened stays marked while it is open.
  const [opened, setOpened] = useState<{ readSeq: number; lastSeq: number }>()
  const newest = messages.findLast(isSent)
  if (isLoaded && !opened) setOpened({ readSeq, lastSeq: newest?.seq ?? 0 })
  const show = useCallback((index: number) => list.scrollToIndex(index, { align: 'start' }), [list])
  const unread = useFirstUnread({
    ...{ messages, hasOlder, loadOlder },
    readBefore: opened?.readSeq,
    onFound: show,
  })
  const hasArrived = newest && !newest.isMine && newest.seq > (opened?.lastSeq ?? Infinity)

  useLayoutEffect(() => {
    if (isLoaded) list.scrollToEnd()
  }, [isLoaded, list])
  useEffect(() => {
    if (hasOlder && firstIndex !== undefined && firstIndex < NEAR_THE_START) void loadOlder().catch(() => {})
  }, [hasOlder, firstIndex, loadOlder])
  useReading({ isLoaded, isAtEnd, unreadCount, markRead })

  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keys. */}
      <div ref={scroller} className="messages" role="log" aria-live="off" aria-label="Messages" tabIndex={0}>
        <div className="track" style={{ height: list.getTotalSize() }}>
          {items.map(({ key, index, start }) => {
            const message = messages[index]
            return (
              message && (
                <div
                  key={key}
                  ref={list.measureElement}
                  data-index={index}
                  className="slot"
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <MessageRow
                    message={message}
                    previous={messages[index - 1]}
                    conversation={conversation}
                    isFirstUnread={index === unread.index}
                    retry={retry}
                    discard={discard}
                  />
                </div>
              )
            )
          })}
        </div>
        {isLoaded && messages.length === 0 && <p className="hint">Nothing was said yet.</p>}
      </div>
      <p role="status" className="for-readers">
        {hasArrived && `${newest.sender}: ${newest.text ?? ''}`}
      </p>
      <div className="jumps">
        {unread.isThere && (unread.index < 0 || unread.index < (firstIndex ?? 0)) && (
          <Button onPress={unread.seek}>First unread</Button>
        )}
        {!isAtEnd && messages.length > 0 && <Button onPress={() => list.scrollToEnd()}>Newest</Button>}
      </div>
    </>
  )
}

/** One's own has the same before and after it was sent. */
function keyOf(message: LiveMessage | undefined): string {
  return message?.clientMessageId ?? (message?.status === 'sent' ? message.id : '')
}
