import { defineConfig } from 'vitest/config'

/** Tests that require pgbouncer: `pnpm test:pgbouncer`. */
export default defineConfig({
  test: {
    include: ['apps/server/test-pgbouncer/**/*.test.ts'],
    globalSetup: ['scripts/test-postgres.ts'],
    setupFiles: ['scripts/test-database.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 15_000 } },
  },
})
