import { defaultLimit, type ServiceKey } from '@sotto/contract'
import { store } from '@sotto/db'
import type { AdminContext } from '../app/context.ts'
import { timeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { toServiceKey } from '../views/keys.ts'

/** All keys, including revoked and expired ones, newest first. */
export async function listKeys(
  { app: { db } }: AdminContext,
  input: InputOf<'keys', 'list'>,
): Promise<{ items: ServiceKey[]; nextCursor: string | null }> {
  const limit = input.limit ?? defaultLimit
  const rows = await store.serviceKeys.list(db, timePosition('keys', input.cursor), limit + 1)
  const page = pageOf(rows, limit, (last) => timeCursor('keys', last.created_at, last.id))
  return {
    items: page.rows.map(toServiceKey),
    nextCursor: page.nextCursor,
  }
}
