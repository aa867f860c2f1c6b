import type { Messages } from '@sotto/react'
import { useEffect } from 'react'

/** Loads more when fewer messages than this remain in a direction: half a page. */
const THRESHOLD = 25

interface Options extends Pick<Messages, 'messages' | 'hasOlder' | 'hasNewer' | 'loadOlder' | 'loadNewer'> {
  /** The range of rendered messages; undefined if none are rendered or a jump is in progress. */
  shown: { first: number; last: number } | undefined
}

/** Loads more messages before the user scrolls to the end of the loaded ones, in both directions. */
export function useLoadOnScroll({
  messages,
  hasOlder,
  hasNewer,
  loadOlder,
  loadNewer,
  shown,
}: Options): void {
  const isNearTop = shown !== undefined && shown.first < THRESHOLD
  const isNearBottom = shown !== undefined && shown.last >= messages.length - THRESHOLD
  // A page that failed to load is requested again on the next change.
  useEffect(() => {
    if (isNearTop && hasOlder) loadOlder().catch(() => {})
  }, [isNearTop, hasOlder, loadOlder, messages])
  useEffect(() => {
    if (isNearBottom && hasNewer) loadNewer().catch(() => {})
  }, [isNearBottom, hasNewer, loadNewer, messages])
}
