import { defineConfig } from 'vitest/config'

/** Tests of the web client in a browser, which must be installed: `pnpm test:web`. */
export default defineConfig({
  test: {
    include: ['apps/server/test-web/**/*.test.ts'],
    globalSetup: ['scripts/test-postgres.ts', 'scripts/test-web-client.ts'],
    setupFiles: ['scripts/test-database.ts', 'scripts/test-logs.ts'],
    pool: 'forks',
    // As in vitest.config.ts.
    isolate: false,
    // One more than the two cores of a small machine, because browser tests often wait.
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
  },
})
