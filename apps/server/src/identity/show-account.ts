import type { Account, User } from '@sotto/contract'
import type { AccountRow } from '@sotto/db'

/** An account as the contract has it, around the user as they are shown to whoever asks. */
export function toAccount(row: AccountRow, user: User): Account {
  return {
    ...user,
    role: row.role,
    disabled: row.disabled_at !== null,
    secondFactor: row.confirmed_at !== null,
  }
}
