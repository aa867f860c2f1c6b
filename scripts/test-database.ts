import { inject } from 'vitest'

/** Runs before each test file: sets the URL of this worker's PostgreSQL. */
process.env.SOTTO_TEST_POSTGRES_URL = inject('postgresUrls')[Number(process.env.VITEST_POOL_ID) - 1]
