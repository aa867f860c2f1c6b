import { QueryClient } from '@tanstack/react-query'

/** One user's query cache. Most changes arrive as events; other data is fetched when it is shown. */
export function createQueries(): QueryClient {
  return new QueryClient({
    // The SDK already retries what is safe to retry.
    defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false }, mutations: { retry: false } },
  })
}
