/** Multiplies how many random cases a test tries: `pnpm test:long` and `pnpm fuzz` set it. */
export const testScale = Number(process.env.SOTTO_TEST_SCALE ?? 1)
