import { defineConfig } from 'vitest/config'

/** Tests the published packages in separate projects, and a release: `pnpm test:packages`. */
export default defineConfig({
  test: {
    include: [
      'packages/*/test-packages/**/*.test.ts',
      'scripts/test-packages/**/*.test.ts',
      // Only in `pnpm canary`: what takes long to install or to build.
      ...(process.env.SOTTO_CONSUMER_VERSIONS === 'newest' ? ['packages/*/test-canary/**/*.test.ts'] : []),
    ],
    globalSetup: ['scripts/test-postgres.ts', 'scripts/test-packages.ts'],
    setupFiles: ['scripts/test-database.ts', 'scripts/test-logs.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // These tests run compilers and package managers.
    testTimeout: 120_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 15_000 } },
  },
})
