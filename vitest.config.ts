import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{apps,packages}/*/test/**/*.test.{ts,tsx}', 'scripts/test/**/*.test.ts'],
    globalSetup: ['scripts/test-postgres.ts'],
    setupFiles: ['scripts/test-database.ts', 'scripts/test-logs.ts'],
    // Processes, not threads: servers in tests must not share native modules' state or process.env.
    pool: 'forks',
    // Two test files at a time: as much as two cores carry without timing-sensitive tests slowing down.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What is waited for comes at once, save on a machine that is busy: a second is too short there.
    expect: { poll: { timeout: 15_000 } },
  },
})
