import { QueryClient } from '@tanstack/react-query'

/** What one user was shown. Events tell what has changed; what they do not tell is asked for when it is shown. */
export function createQueries(): QueryClient {
  return new QueryClient({
    // The SDK repeats what may be repeated.
    defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false }, mutations: { retry: false } },
  })
}
