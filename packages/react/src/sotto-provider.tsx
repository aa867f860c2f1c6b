import type { DraftStorage, SottoClient } from '@sotto/sdk'
import type { ReactNode } from 'react'
import { createContext, useContext, useMemo } from 'react'
import { Views } from './views.ts'

const ViewsContext = createContext<Views | undefined>(undefined)

export interface SottoProviderProps {
  /** A client that acts for the user. Passing a different client reloads everything. */
  client: SottoClient
  /** Keeps unsent messages across reloads. Each user needs their own storage. */
  storage?: DraftStorage | undefined
  children: ReactNode
}

/**
 * Provides a client to the hooks below it. They share one event stream, and one view of each conversation, which is
 * open while a component uses it.
 */
export function SottoProvider({ client, storage, children }: SottoProviderProps) {
  const views = useMemo(() => new Views(client, storage), [client, storage])
  return <ViewsContext.Provider value={views}>{children}</ViewsContext.Provider>
}

export function useViews(): Views {
  const views = useContext(ViewsContext)
  if (!views) throw new Error('Sotto hooks must be used within a SottoProvider')
  return views
}

/** The client of the nearest provider, for everything that has no hook. */
export function useSotto(): SottoClient {
  return useViews().client
}
