import type { Contact } from '@sotto/contract'
import type { ContactRow } from '@sotto/db'
import { toPublicUser } from './users.ts'

export function toContact(row: ContactRow): Contact {
  return { user: toPublicUser(row), state: row.state, since: row.changed_at }
}
