import type { ReactNode } from 'react'
import { Button } from '../ui/button.tsx'
import { ServerError } from './query-status.tsx'
import type { PagedQuery } from './use-paged-query.ts'

interface Props<Item> {
  /** The list's name for screen readers. */
  label: string
  pages: PagedQuery<Item>
  /** Shown when the list is empty. */
  emptyText: string
  keyOf: (item: Item) => string
  children: (item: Item) => ReactNode
}

/** A list with a button that loads the next page. */
export function PagedList<Item>({ label, pages, emptyText, keyOf, children }: Props<Item>) {
  const { items, isLoading, error, hasMore, isLoadingMore, loadMore } = pages
  return (
    <>
      <ServerError error={error} />
      <p role="status" className="hint">
        {isLoading ? 'Loading…' : !error && items.length === 0 && emptyText}
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
          Load more
        </Button>
      )}
    </>
  )
}
