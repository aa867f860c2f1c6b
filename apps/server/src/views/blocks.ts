import type { Block } from '@sotto/contract'
import type { BlockRow } from '@sotto/db'
import { toPublicUser } from './users.ts'

export function toBlock(row: BlockRow): Block {
  return { user: toPublicUser(row), since: row.blocked_at }
}
