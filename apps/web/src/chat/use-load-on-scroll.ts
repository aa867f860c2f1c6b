import type { Messages } from '@sotto/react'
import { useEffect } from 'react'

/** Load more when fewer messages than this remain in a direction: half a page. */
const THRESHOLD = 25

interface Options extends Pick<Messages, 'messages' | 'hasOlder' | 'hasNewer' | 'loadOlder' | 'loadNewer'> {
  /** The range of rendered messages; undefined while there is none, or while a jump is in progress. */
  shown: { first: number; last: number } | undefined
}

/** Loads more messages before the user reaches the end of those that are loaded, in both directions. */
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
