import type { Messages, Send } from '@sotto/react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useLayoutEffect, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { findFirstUnread, isSent } from './first-unread.ts'
import { MessageRow } from './message-row.tsx'
import { useLoadOnScroll } from './use-load-on-scroll.ts'
import { useMarkRead } from './use-mark-read.ts'
import type { ScrollTarget } from './use-scroll-target.ts'

/** The estimated height of a message before it is measured, in pixels: one line of text. */
const ESTIMATED_HEIGHT = 91
/** The list follows new messages if it is within this distance from its end, in pixels. */
const END_THRESHOLD = 80

interface Props {
  conversation: Messages
  scrollTarget: ScrollTarget
  retry: Send['retry']
  discard: Send['discard']
}

/** The messages of a conversation, virtualized: only those near the viewport are in the DOM. */
export function MessageList({ conversation, scrollTarget, retry, discard }: Props) {
  const { messages, isLoaded, hasNewer, lastSeq, readSeq, unreadCount, markRead } = conversation
  const { target, scrollTo, clear } = scrollTarget
  const scroller = useRef<HTMLDivElement>(null)
  const jumpButtons = useRef<HTMLDivElement>(null)
  const list = useVirtualizer({
    count: messages.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ESTIMATED_HEIGHT,
    getItemKey: (index) => messages[index]?.key ?? index,
    anchorTo: 'end',
    followOnAppend: true,
    // If newer messages are not loaded, the end of the list is not the end of the conversation.
    scrollEndThreshold: hasNewer ? -1 : END_THRESHOLD,
    overscan: 8,
  })
  const items = list.getVirtualItems()
  const isAtEnd = !hasNewer && list.isAtEnd(END_THRESHOLD)
  const first = items[0]?.index ?? 0
  const last = items.at(-1)?.index ?? 0

  // The "New messages" divider stays where it was when the conversation was opened.
  const [initial, setInitial] = useState<{ readSeq: number; lastSeq: number }>()
  if (isLoaded && !initial) setInitial({ readSeq, lastSeq })
  const firstUnread = findFirstUnread(conversation, initial?.readSeq)
  const newest = messages.findLast(isSent)
  const hasArrived = newest && !newest.isMine && newest.seq > (initial?.lastSeq ?? Infinity)

  useLayoutEffect(() => {
    if (isLoaded) list.scrollToEnd()
  }, [isLoaded, list])
  useLayoutEffect(() => {
    if (!target) return
    const index = messages.findIndex((message) => isSent(message) && message.seq >= target.seq)
    if (target.isEnd) list.scrollToEnd()
    else list.scrollToIndex(index, { align: 'start' })
    // The pressed button may disappear, so the focus moves to the list.
    if (jumpButtons.current?.contains(document.activeElement))
      scroller.current?.focus({ preventScroll: true })
    clear()
  }, [target, messages, list, clear])
  useLoadOnScroll({ ...conversation, shown: target || items.length === 0 ? undefined : { first, last } })
  useMarkRead({ isLoaded, isAtEnd, unreadCount, markRead })

  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard. */}
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
                  data-seq={isSent(message) ? message.seq : undefined}
                  className="slot"
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <MessageRow
                    message={message}
                    previous={messages[index - 1]}
                    conversation={conversation}
                    isFirstUnread={index === firstUnread.index}
                    retry={retry}
                    discard={discard}
                  />
                </div>
              )
            )
          })}
        </div>
        {isLoaded && messages.length === 0 && <p className="hint">No messages yet. Say hello 👋</p>}
      </div>
      <p role="status" className="visually-hidden">
        {hasArrived && `${newest.sender}: ${newest.text ?? ''}`}
      </p>
      <div ref={jumpButtons} className="jump-buttons">
        {(firstUnread.outside || (firstUnread.index >= 0 && firstUnread.index < first)) && initial && (
          <Button onPress={() => scrollTo({ seq: initial.readSeq + 1 })}>First unread</Button>
        )}
        {!isAtEnd && messages.length > 0 && (
          <Button onPress={() => scrollTo('newest')}>
            Latest{hasNewer && unreadCount > 0 && ` (${unreadCount} unread)`}
          </Button>
        )}
      </div>
    </>
  )
}
