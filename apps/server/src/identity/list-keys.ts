import { defaultLimit, type ServiceKey } from '@sotto/contract'
import { listServiceKeys, toServiceKey } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { encodeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'

/** Every key that was ever made, newest first. */
export async function listKeys(
  { app: { db } }: CallerContext,
  input: InputOf<'keys', 'list'>,
): Promise<{ items: ServiceKey[]; nextCursor: string | null }> {
  const limit = input.limit ?? defaultLimit
  const rows = await listServiceKeys(db, timePosition('keys', input.cursor), limit + 1)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(toServiceKey),
    nextCursor:
      last && rows.length > limit ? encodeCursor('keys', [last.created_at.getTime(), last.id]) : null,
  }
}
