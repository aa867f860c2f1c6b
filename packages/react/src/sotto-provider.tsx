import type { DraftStorage, SottoClient } from '@sotto/sdk'
import type { ReactNode } from 'react'
import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { StableViews } from './stable-views.ts'
import type { Views } from './views.ts'

const ViewsContext = createContext<Views | undefined>(undefined)

export interface SottoProviderProps {
  /**
   * A client that acts for the user. Passing a different client reloads everything, so create it outside the component or
   * with `useMemo`. The same applies to `storage`. If they are different in every render, the first ones stay in use as
   * long as the user is the same.
   */
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
  const [stable] = useState(() => new StableViews(client, storage))
  stable.update(client, storage)
  useEffect(stable.commit)
  const views = useSyncExternalStore(stable.subscribe, stable.getViews, stable.getViews)
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
