import type { Quota } from './buckets.ts'

/** Where a request came from. */
export interface Origin {
  /** For limits and the audit log; null for a command. */
  readonly address: string | null
  /** Called with the remaining quota after each charge. */
  readonly onQuota?: ((quota: Quota) => void) | undefined
}
