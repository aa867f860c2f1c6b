/** A page of rows, and the cursor of what follows; null at the end. */
interface Page<Row> {
  rows: readonly Row[]
  nextCursor: string | null
}

/**
 * Makes a page of what a list has read: up to `limit` rows. One row more says that the list goes on.
 *
 * @param cursorAfter the cursor that continues after a row.
 */
export function pageOf<Row>(
  found: readonly Row[],
  limit: number,
  cursorAfter: (last: Row) => string,
): Page<Row> {
  const rows = found.length > limit ? found.slice(0, limit) : found
  const last = rows.at(-1)
  return { rows, nextCursor: last && found.length > limit ? cursorAfter(last) : null }
}
