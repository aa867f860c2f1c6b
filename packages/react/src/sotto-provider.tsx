import type { DraftStorage, SottoClient } from '@sotto/sdk'
import type { ReactNode } from 'react'
import { createContext, useContext, useMemo } from 'react'
import { Views } from './views.ts'

const ViewsContext = createContext<Views | undefined>(undefined)

export interface SottoProviderProps {
  /** Acts for the user whose conversations are shown. Another client makes everything anew. */
  client: SottoClient
  /** Where unsent messages outlive a reload. For one user: whoever logs in as another takes another one. */
  storage?: DraftStorage | undefined
  children: ReactNode
}

/**
 * Gives the components below it a client. They share its one event stream, and one view of each conversation, which
 * is open while a component uses it.
 */
export function SottoProvider({ client, storage, children }: SottoProviderProps) {
  const views = useMemo(() => new Views(client, storage), [client, storage])
  return <ViewsContext.Provider value={views}>{children}</ViewsContext.Provider>
}

export function useViews(): Views {
  const views = useContext(ViewsContext)
  if (!views) throw new Error('a component that uses Sotto has to be inside of a SottoProvider')
  return views
}

/** The client of the provider above, for what has no hook of its own. */
export function useSotto(): SottoClient {
  return useViews().client
}
