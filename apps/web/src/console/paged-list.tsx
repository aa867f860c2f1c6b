import type { ReactNode } from 'react'
import { Button } from '../ui/button.tsx'
import { ServerError } from './query-status.tsx'
import type { PagedQuery } from './use-paged-query.ts'

interface Props<Item> {
  /** What the list is of, for who cannot see where it stands. */
  label: string
  pages: PagedQuery<Item>
  /** What is said when there is nothing. */
  none: string
  keyOf: (item: Item) => string
  children: (item: Item) => ReactNode
}

/** The entries of a list, and a way to the next ones. */
export function PagedList<Item>({ label, pages, none, keyOf, children }: Props<Item>) {
  const { items, isLoading, error, hasMore, isLoadingMore, loadMore } = pages
  return (
    <>
      <ServerError error={error} />
      <p role="status" className="hint">
        {isLoading ? 'Loading…' : !error && items.length === 0 && none}
      </p>
      {items.length > 0 && (
        <ul className="paged-list" aria-label={label}>
          {items.map((item) => (
            <li key={keyOf(item)}>{children(item)}</li>
          ))}
        </ul>
      )}
      {hasMore && (
        <Button onPress={loadMore} isBusy={isLoadingMore}>
          More
        </Button>
      )}
    </>
  )
}
