import type { RouterOutputs } from '@sotto/sdk'
import { createContext, useContext } from 'react'

/** The name of who is logged in among the queries. */
export const ME = ['me']

interface SessionValue {
  me: RouterOutputs['users']['me']
  /** Asks anew who is logged in, and forgets what was shown to who was. */
  forget: () => Promise<void>
}

export const MeContext = createContext<SessionValue | undefined>(undefined)

/** The session of who is logged in. */
export function useSession(): SessionValue {
  const session = useContext(MeContext)
  if (!session) throw new Error('nobody is logged in here')
  return session
}

/** Who is logged in. */
export function useMe(): SessionValue['me'] {
  return useSession().me
}
