import type { Messages } from '@sotto/react'
import { useEffect } from 'react'

interface Reading extends Pick<Messages, 'isLoaded' | 'unreadCount' | 'markRead'> {
  isAtEnd: boolean
}

/** Marks as read what stands before somebody's eyes: the newest messages, in a window that they look at. */
export function useMarkRead({ isLoaded, isAtEnd, unreadCount, markRead }: Reading): void {
  useEffect(() => {
    const read = () => {
      if (!isLoaded || !isAtEnd || unreadCount === 0 || document.visibilityState !== 'visible') return
      // One that fails is tried again with the next message, or look.
      markRead().catch(() => {})
    }
    read()
    document.addEventListener('visibilitychange', read)
    return () => document.removeEventListener('visibilitychange', read)
  }, [isLoaded, isAtEnd, unreadCount, markRead])
}
