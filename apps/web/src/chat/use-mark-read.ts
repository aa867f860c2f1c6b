import type { Messages } from '@sotto/react'
import { useEffect } from 'react'

interface Options extends Pick<Messages, 'isLoaded' | 'unreadCount' | 'markRead'> {
  isAtEnd: boolean
}

/** Marks the conversation as read while its end is in view and the page is visible. */
export function useMarkRead({ isLoaded, isAtEnd, unreadCount, markRead }: Options): void {
  useEffect(() => {
    const markIfVisible = () => {
      if (!isLoaded || !isAtEnd || unreadCount === 0 || document.visibilityState !== 'visible') return
      // Retried with the next message, or when the page becomes visible again.
      markRead().catch(() => {})
    }
    markIfVisible()
    document.addEventListener('visibilitychange', markIfVisible)
    return () => document.removeEventListener('visibilitychange', markIfVisible)
  }, [isLoaded, isAtEnd, unreadCount, markRead])
}
