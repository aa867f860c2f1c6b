import { QueryClient } from '@tanstack/react-query'

/** The query cache of one user, for data that does not arrive as events. It is fetched when it is shown. */
export function createQueries(): QueryClient {
  return new QueryClient({
    // The SDK already retries calls that are safe to repeat.
    defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false }, mutations: { retry: false } },
  })
}
