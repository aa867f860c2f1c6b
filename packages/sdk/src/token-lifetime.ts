/**
 * How long a token can be used from now, in milliseconds. Undefined if that is unknown, as it is not a JWT with `exp`.
 *
 * The clock of a device may be wrong by hours. A new token cannot last longer than from `iat` to `exp`, which do not
 * depend on this clock, and one that seems to have expired on arrival is taken for new. If it is not, the server
 * rejects it.
 */
export function lifetimeOf(token: string, now: number): number | undefined {
  const { exp, iat } = claimsOf(token)
  if (!isTime(exp)) return undefined
  const remaining = exp * 1_000 - now
  const total = isTime(iat) && iat < exp ? (exp - iat) * 1_000 : remaining
  const lifetime = remaining > 0 ? Math.min(remaining, total) : total
  return lifetime > 0 ? lifetime : undefined
}

function claimsOf(token: string): { exp?: unknown; iat?: unknown } {
  const payload = token.split('.')[1]
  if (!payload) return {}
  try {
    // Other claims may be UTF-8, which this reads as other characters, still in valid JSON.
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
    return typeof claims === 'object' && claims !== null ? claims : {}
  } catch {
    return {}
  }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
