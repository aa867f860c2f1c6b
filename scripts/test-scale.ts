/** The factor for the number of random cases. Set by `pnpm test:long`, `pnpm test:long:web` and `pnpm fuzz`. */
export const testScale = Number(process.env.SOTTO_TEST_SCALE ?? 1)

/**
 * The options of fast-check for this many cases. They are always the same in `pnpm test`, so that its result depends on
 * the commit alone. The longer commands try new ones each time; the error of a failed one contains its seed.
 */
export function randomCases(count: number): { numRuns: number; seed?: number } {
  return testScale === 1 ? { numRuns: count, seed: 1 } : { numRuns: count * testScale }
}
