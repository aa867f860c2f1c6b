import type { PresenceState } from '@sotto/sdk'
import { useSyncExternalStore } from 'react'
import { useViews } from './sotto-provider.tsx'

/**
 * Whether a user (by id) is online, and when they were last seen; undefined while that is not known, and for users
 * with whom one shares no conversation. Without an id it watches nobody.
 */
export function usePresence(userId: string | undefined): PresenceState | undefined {
  const views = useViews()
  const shared = userId === undefined ? nobody : views.presence(userId)
  return useSyncExternalStore(shared.subscribe, shared.getSnapshot, shared.getServerSnapshot)
}

const unknown = () => undefined
const nobody = { subscribe: () => () => {}, getSnapshot: unknown, getServerSnapshot: unknown }
