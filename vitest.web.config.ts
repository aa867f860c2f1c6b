import { defineConfig } from 'vitest/config'

/** The web client in a browser, which has to be on this machine: `pnpm test:web`. */
export default defineConfig({
  test: {
    include: ['apps/server/test-web/**/*.test.ts'],
    globalSetup: ['scripts/test-postgres.ts', 'scripts/test-web-client.ts'],
    setupFiles: ['scripts/test-database.ts'],
    pool: 'forks',
    // People who click wait more than they keep a core busy.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
  },
})
