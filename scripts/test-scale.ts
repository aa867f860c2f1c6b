/** The factor for the number of random cases. Set by `pnpm test:long`, `pnpm test:long:web` and `pnpm fuzz`. */
export const testScale = Number(process.env.SOTTO_TEST_SCALE ?? 1)
