import { useSyncExternalStore } from 'react'

function subscribe(onChange: () => void): () => void {
  window.addEventListener('hashchange', onChange)
  return () => window.removeEventListener('hashchange', onChange)
}

/** What stands behind the # of the address, which links change. Nothing for what no link of ours has. */
export function useFragment(): string {
  return useSyncExternalStore(subscribe, () => decoded(window.location.hash.slice(1)))
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return ''
  }
}
