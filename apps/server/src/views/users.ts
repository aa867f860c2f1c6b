import type { Account, PublicUser, User } from '@sotto/contract'
import type { AccountRow, CorrespondentRow, UserRow } from '@sotto/db'

/** A user as other users see them. */
export function toPublicUser(row: UserRow): PublicUser {
  return {
    id: row.id,
    username: row.username,
    externalId: row.external_id,
    displayName: row.display_name,
    firstName: row.first_name,
    lastName: row.last_name,
    avatarUrl: row.avatar_url,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** A user as they see themselves. */
export function toUser(row: UserRow): User {
  return { ...toPublicUser(row), email: row.email }
}

/** A user's account. `user` is the user as the caller sees them. */
export function toAccount(row: AccountRow, user: User): Account {
  return {
    ...user,
    role: row.role,
    disabled: row.disabled_at !== null,
    secondFactor: row.confirmed_at !== null,
    lastWrongCodeAt: row.last_wrong_code_at,
  }
}

export function toCorrespondent(row: CorrespondentRow) {
  return {
    user: toPublicUser(row),
    lastMessageAt: row.active_at,
    sentCount: row.sent_count,
    receivedCount: row.received_count,
  }
}
