import type { Contact } from '@sotto/contract'
import { type ContactRow, toPublicUser } from '@sotto/db'

/** A contact as the contract has it. */
export function toContact(row: ContactRow): Contact {
  return { user: toPublicUser(row), state: row.state, since: row.changed_at }
}
