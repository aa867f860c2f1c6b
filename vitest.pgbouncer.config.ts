import { defineConfig } from 'vitest/config'

/** What needs a pgbouncer on this machine: `pnpm test:pgbouncer`. */
export default defineConfig({
  test: {
    include: ['apps/server/test-pgbouncer/**/*.test.ts'],
    globalSetup: ['scripts/test-postgres.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
