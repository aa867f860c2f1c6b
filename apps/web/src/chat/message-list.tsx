import type { Messages, Send } from '@sotto/react'
import type { LiveMessage } from '@sotto/sdk'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useLayoutEffect, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { findFirstUnread, isSent } from './first-unread.ts'
import { MessageRow } from './message-row.tsx'
import { useLoadOnScroll } from './use-load-on-scroll.ts'
import { useMarkRead } from './use-mark-read.ts'
import type { ScrollTarget } from './use-scroll-target.ts'

/** The height of a message of one line, in pixels, until it is measured. */
const USUAL_HEIGHT = 91
/** Whoever is this near to the newest message stays with it, in pixels. */
const NEAR_THE_END = 80

interface Props {
  conversation: Messages
  place: ScrollTarget
  retry: Send['retry']
  discard: Send['discard']
}

/** The messages of a conversation: only those in sight are in the page, however many there are. */
export function MessageList({ conversation, place, retry, discard }: Props) {
  const { messages, isLoaded, hasNewer, lastSeq, readSeq, unreadCount, markRead } = conversation
  const { landing, goTo, arrive } = place
  const scroller = useRef<HTMLDivElement>(null)
  const jumps = useRef<HTMLDivElement>(null)
  const list = useVirtualizer({
    count: messages.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => USUAL_HEIGHT,
    getItemKey: (index) => keyOf(messages[index]),
    anchorTo: 'end',
    followOnAppend: true,
    // Where messages follow that are not here, there is no end to stay with.
    scrollEndThreshold: hasNewer ? -1 : NEAR_THE_END,
    overscan: 8,
  })
  const items = list.getVirtualItems()
  const isAtEnd = !hasNewer && list.isAtEnd(NEAR_THE_END)
  const first = items[0]?.index ?? 0
  const last = items.at(-1)?.index ?? 0

  // Where reading begins: what was unread when the conversation was opened stays marked while it is open.
  const [opened, setOpened] = useState<{ readSeq: number; lastSeq: number }>()
  if (isLoaded && !opened) setOpened({ readSeq, lastSeq })
  const unread = findFirstUnread(conversation, opened?.readSeq)
  const newest = messages.findLast(isSent)
  const hasArrived = newest && !newest.isMine && newest.seq > (opened?.lastSeq ?? Infinity)

  useLayoutEffect(() => {
    if (isLoaded) list.scrollToEnd()
  }, [isLoaded, list])
  useLayoutEffect(() => {
    if (!landing) return
    const index = messages.findIndex((message) => isSent(message) && message.seq >= landing.seq)
    if (landing.isEnd) list.scrollToEnd()
    else list.scrollToIndex(index, { align: 'start' })
    // The button that was pressed may go now; whoever reads by keys goes on in the list.
    if (jumps.current?.contains(document.activeElement)) scroller.current?.focus({ preventScroll: true })
    arrive()
  }, [landing, messages, list, arrive])
  useLoadOnScroll({ ...conversation, shown: landing || items.length === 0 ? undefined : { first, last } })
  useMarkRead({ isLoaded, isAtEnd, unreadCount, markRead })

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
                  data-seq={isSent(message) ? message.seq : undefined}
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
      <p role="status" className="visually-hidden">
        {hasArrived && `${newest.sender}: ${newest.text ?? ''}`}
      </p>
      <div ref={jumps} className="jump-buttons">
        {(unread.isElsewhere || (unread.index >= 0 && unread.index < first)) && opened && (
          <Button onPress={() => goTo({ seq: opened.readSeq + 1 })}>First unread</Button>
        )}
        {!isAtEnd && messages.length > 0 && (
          <Button onPress={() => goTo('newest')}>
            Newest{hasNewer && unreadCount > 0 && ` (${unreadCount} unread)`}
          </Button>
        )}
      </div>
    </>
  )
}

/** One's own has the same before and after it was sent. */
function keyOf(message: LiveMessage | undefined): string {
  return message?.clientMessageId ?? (message?.status === 'sent' ? message.id : '')
}
