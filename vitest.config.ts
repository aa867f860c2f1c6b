import { configDefaults, defineConfig } from 'vitest/config'

/** Tests that assert durations. They run last, one file at a time. */
const timed = '{apps,packages}/*/test/**/*.timed.test.ts'

export default defineConfig({
  test: {
    globalSetup: ['scripts/test-postgres.ts'],
    setupFiles: ['scripts/test-database.ts', 'scripts/test-logs.ts'],
    // Processes, not threads: servers in tests must not share native modules' state or process.env.
    pool: 'forks',
    // One more than the two cores of a small machine, because tests often wait for processes and timers.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Polled conditions usually hold immediately, but the default of one second is too short on a busy machine.
    expect: { poll: { timeout: 15_000 } },
    projects: [
      {
        test: {
          name: 'tests',
          // A worker loads the packages once instead of once per file, which takes a third of the CPU time off. Tests
          // close what they open, so files do not affect each other.
          isolate: false,
          include: ['{apps,packages}/*/test/**/*.test.{ts,tsx}', 'scripts/test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, timed],
        },
      },
      {
        test: {
          name: 'timed',
          isolate: false,
          include: [timed],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
