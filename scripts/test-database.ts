import { inject } from 'vitest'

/** In each test file, before it: the PostgreSQL of this worker. */
process.env.SOTTO_TEST_POSTGRES_URL = inject('postgresUrls')[Number(process.env.VITEST_POOL_ID) - 1]
