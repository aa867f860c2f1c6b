import type { RouterOutputs } from '@sotto/sdk'
import { createContext, useContext } from 'react'

/** The query key of the signed-in user. */
export const ME = ['me']

export interface SessionValue {
  me: RouterOutputs['users']['me']
  /** Clears all cached data and reloads the signed-in user. */
  reset: () => Promise<void>
  /** Call this when the session turns out to have ended, or to belong to another user. */
  end: () => void
}

export const SessionContext = createContext<SessionValue | undefined>(undefined)

/** The current session. */
export function useSession(): SessionValue {
  const session = useContext(SessionContext)
  if (!session) throw new Error('useSession must be used within a SessionContext')
  return session
}

/** The signed-in user. */
export function useMe(): SessionValue['me'] {
  return useSession().me
}
