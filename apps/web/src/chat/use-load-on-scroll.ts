import type { Messages } from '@sotto/react'
import { useEffect } from 'react'

/** From how many messages before the end of what is here more are loaded: half a page. */
const NEAR = 25

interface Options extends Pick<Messages, 'messages' | 'hasOlder' | 'hasNewer' | 'loadOlder' | 'loadNewer'> {
  /** What of it is in the page; undefined while nothing is, or something else is about to be. */
  shown: { first: number; last: number } | undefined
}

/** Loads more messages before somebody scrolls to the end of those that are here, in either direction. */
export function useLoadOnScroll({
  messages,
  hasOlder,
  hasNewer,
  loadOlder,
  loadNewer,
  shown,
}: Options): void {
  const isNearTop = shown !== undefined && shown.first < NEAR
  const isNearBottom = shown !== undefined && shown.last >= messages.length - NEAR
  // A page that fails is asked for again when something has changed: with the next message, or look.
  useEffect(() => {
    if (isNearTop && hasOlder) loadOlder().catch(() => {})
  }, [isNearTop, hasOlder, loadOlder, messages])
  useEffect(() => {
    if (isNearBottom && hasNewer) loadNewer().catch(() => {})
  }, [isNearBottom, hasNewer, loadNewer, messages])
}
