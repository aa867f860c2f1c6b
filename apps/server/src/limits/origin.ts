import type { Quota } from './buckets.ts'

/** Where a request came from. */
export interface Origin {
  /** For limits and the audit; null for a command. */
  readonly address: string | null
  /** Is told what is left of a limit whenever something was charged. */
  readonly onQuota?: ((quota: Quota) => void) | undefined
}
