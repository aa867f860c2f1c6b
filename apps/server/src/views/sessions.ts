import type { SessionRow } from '@sotto/db'

export function toSession(row: SessionRow) {
  return {
    id: row.id,
    userAgent: row.user_agent,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
  }
}
