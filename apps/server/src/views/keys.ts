import type { KeyScope, ServiceKey } from '@sotto/contract'
import type { ServiceKeyRow } from '@sotto/db'

/** A key without its secret. */
export function toServiceKey(row: ServiceKeyRow): ServiceKey {
  return {
    id: row.id,
    name: row.name,
    scopes: scopesOf(row),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  }
}

export function scopesOf(row: Pick<ServiceKeyRow, 'scopes'>): KeyScope[] {
  // The scopes of `keys.create`, separated by spaces.
  return row.scopes.split(' ') as KeyScope[]
}
