/** Room for chance: matches are not spread evenly. */
const MARGIN = 1.25
const MARGIN_ROWS = 5

/**
 * How many rows a walk that keeps some of them reads next: as many as the rest of the page should take, going by
 * what was kept so far, but never more than twice what was read.
 */
export function nextChunk(scanned: number, kept: number, limit: number): number {
  const rest = ((limit + 1 - kept) / kept) * scanned
  return Math.min(scanned * 2, Math.ceil(rest * MARGIN) + MARGIN_ROWS)
}
