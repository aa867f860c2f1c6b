import { useSyncExternalStore } from 'react'

function subscribe(onChange: () => void): () => void {
  window.addEventListener('hashchange', onChange)
  return () => window.removeEventListener('hashchange', onChange)
}

/** The fragment of the URL, decoded; empty if it is malformed. */
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
