import type { Quota } from '../limits/buckets.ts'

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-10: the policy and its remaining quota. `t` is the time until one
 * more unit is available, in seconds.
 */
export function rateLimitFields({ policy, remaining, nextMs }: Quota): Record<string, string> {
  const { name, count, seconds } = policy
  return {
    'ratelimit-policy': `"${name}";q=${count};w=${seconds}`,
    ratelimit: `"${name}";r=${remaining};t=${Math.ceil(nextMs / 1_000)}`,
  }
}
