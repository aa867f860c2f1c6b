import { type Dialect, dialects } from '@sotto/testing/internal'
import { testScale } from '../../../../scripts/test-scale.ts'

/**
 * For `describe.each`: the databases of tests that use more than one. The client cannot see which one a server uses, and
 * all other tests here use SQLite, so `pnpm test:web` uses PostgreSQL; `pnpm test:long:web` uses both.
 */
export const databases: readonly Dialect[] = testScale > 1 ? dialects : ['postgres']
