import type { Messages } from '@sotto/react'
import type { JumpTarget } from '@sotto/sdk'
import { useCallback, useMemo, useState } from 'react'

/** A message for the list to scroll to, once. */
interface Target {
  seq: number
  /** Scroll to the end of the conversation instead of aligning the message to the top. */
  isEnd: boolean
}

export interface ScrollTarget {
  /** Undefined once the list has scrolled to it. */
  target: Target | undefined
  scrollTo: (target: JumpTarget) => void
  /** Called by the list once it has scrolled to the target. */
  clear: () => void
}

export function useScrollTarget({ jumpTo }: Pick<Messages, 'jumpTo'>): ScrollTarget {
  const [target, setTarget] = useState<Target>()
  const scrollTo = useCallback(
    (jumpTarget: JumpTarget) => {
      jumpTo(jumpTarget).then(
        (message) => message && setTarget({ seq: message.seq, isEnd: jumpTarget === 'newest' }),
        // The page shows the conversation's error.
        () => {},
      )
    },
    [jumpTo],
  )
  const clear = useCallback(() => setTarget(undefined), [])
  return useMemo(() => ({ target, scrollTo, clear }), [target, scrollTo, clear])
}
