import type { PresenceState } from '@sotto/sdk'
import { useSyncExternalStore } from 'react'
import { useViews } from './sotto-provider.tsx'

/**
 * Whether a user (by id) is online, and when they were last seen. Undefined while loading, without an id, and for users
 * with whom the current user shares no conversation.
 */
export function usePresence(userId: string | undefined): PresenceState | undefined {
  const views = useViews()
  const shared = userId === undefined ? noPresence : views.presence(userId)
  return useSyncExternalStore(shared.subscribe, shared.getSnapshot, shared.getServerSnapshot)
}

const getUndefined = () => undefined
const noPresence = {
  subscribe: () => () => {},
  getSnapshot: getUndefined,
  getServerSnapshot: getUndefined,
}
