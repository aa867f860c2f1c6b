import type { Page } from '@sotto/sdk'
import { useInfiniteQuery } from '@tanstack/react-query'

/** A list that is loaded page by page. */
export interface PagedQuery<Item> {
  items: readonly Item[]
  isLoading: boolean
  error: unknown
  hasMore: boolean
  isLoadingMore: boolean
  loadMore: () => void
}

interface Options<Item> {
  /** The query key, including the filters. */
  key: readonly unknown[]
  read: (cursor: string | undefined, signal: AbortSignal) => PromiseLike<Page<Item>>
  /** Never refetch automatically, for reads that the server records in the audit log. */
  once?: boolean
  refetchMs?: number | undefined
}

export function usePagedQuery<Item>({ key, read, once = false, refetchMs }: Options<Item>): PagedQuery<Item> {
  const query = useInfiniteQuery({
    queryKey: [CONSOLE, ...key],
    queryFn: async ({ pageParam, signal }) => await read(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    ...(refetchMs !== undefined && { refetchInterval: refetchMs }),
    ...(once && { staleTime: Infinity, gcTime: 0, refetchOnReconnect: false }),
  })
  return {
    items: query.data?.pages.flatMap((page) => page.items) ?? [],
    isLoading: query.isPending,
    error: query.error,
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    loadMore: () => void query.fetchNextPage(),
  }
}

/** The first part of every query key in the console. */
export const CONSOLE = 'console'
