import { type Contract, defaultLimit, type ServiceKey } from '@sotto/contract'
import { listServiceKeys, toServiceKey } from '@sotto/db'
import type { z } from 'zod'
import type { Context } from '../app/context.ts'
import { encodeCursor, timePosition } from '../lib/cursors.ts'

/** Every key that was ever made, newest first. */
export async function listKeys(
  { app: { db } }: Context,
  input: z.output<Contract['keys']['list']['input']>,
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
