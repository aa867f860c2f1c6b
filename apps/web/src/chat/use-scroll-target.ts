import type { Messages } from '@sotto/react'
import type { ConversationPlace } from '@sotto/sdk'
import { useCallback, useMemo, useState } from 'react'

/** A message that the list is to show, once. */
interface Landing {
  seq: number
  /** As the end of the conversation, and not as the beginning of what is read. */
  isEnd: boolean
}

/** Where in a conversation the reader wants to be. */
export interface ScrollTarget {
  /** Undefined as soon as it is shown. */
  landing: Landing | undefined
  goTo: (place: ConversationPlace) => void
  /** To be called when the landing is shown. */
  arrive: () => void
}

export function useScrollTarget({ jumpTo }: Pick<Messages, 'jumpTo'>): ScrollTarget {
  const [landing, setLanding] = useState<Landing>()
  const goTo = useCallback(
    (place: ConversationPlace) => {
      jumpTo(place).then(
        (message) => message && setLanding({ seq: message.seq, isEnd: place === 'newest' }),
        // The page says by itself that a conversation cannot go on.
        () => {},
      )
    },
    [jumpTo],
  )
  const arrive = useCallback(() => setLanding(undefined), [])
  return useMemo(() => ({ landing, goTo, arrive }), [landing, goTo, arrive])
}
