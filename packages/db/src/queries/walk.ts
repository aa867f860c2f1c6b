/** Extra rows, because matches are not evenly distributed. */
const MARGIN = 1.25
const MARGIN_ROWS = 5

/**
 * The number of rows that a filtering scan should read next: enough to fill the page at the match rate so far, but at
 * most twice what it has read.
 */
export function nextChunk(scanned: number, kept: number, limit: number): number {
  const rest = ((limit + 1 - kept) / kept) * scanned
  return Math.min(scanned * 2, Math.ceil(rest * MARGIN) + MARGIN_ROWS)
}
