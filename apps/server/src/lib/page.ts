/** A page of rows, and the cursor of the next page; null on the last page. */
interface Page<Row> {
  rows: readonly Row[]
  nextCursor: string | null
}

/**
 * Creates a page of up to `limit` rows.
 *
 * @param found up to `limit + 1` rows. The extra row shows that there is a next page.
 * @param cursorAfter returns the cursor that continues after a row.
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
