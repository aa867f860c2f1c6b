import { defineConfig } from 'vitest/config'

/** Tests that require redis-server: `pnpm test:redis`. */
export default defineConfig({
  test: {
    include: ['apps/server/test-redis/**/*.test.ts'],
    globalSetup: ['scripts/test-postgres.ts'],
    setupFiles: ['scripts/test-database.ts', 'scripts/test-logs.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 15_000 } },
  },
})
