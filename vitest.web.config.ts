import { defineConfig } from 'vitest/config'

/** Tests of the web client in a browser, which must be installed: `pnpm test:web`. */
export default defineConfig({
  test: {
    include: ['apps/server/test-web/**/*.test.ts'],
    globalSetup: ['scripts/test-postgres.ts', 'scripts/test-web-client.ts'],
    setupFiles: ['scripts/test-database.ts', 'scripts/test-logs.ts'],
    pool: 'forks',
    // Browser tests wait more than they use the CPU.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
  },
})
