import { type Contract, defaultLimit, type Webhook } from '@sotto/contract'
import { listWebhooks as listRows } from '@sotto/db'
import type { z } from 'zod'
import type { Context } from '../app/context.ts'
import { encodeCursor, timePosition } from '../lib/cursors.ts'
import { toWebhook } from './show-webhook.ts'

/** Newest first. */
export async function listWebhooks(
  { app: { db } }: Context,
  input: z.output<Contract['webhooks']['list']['input']>,
): Promise<{ items: Webhook[]; nextCursor: string | null }> {
  const limit = input.limit ?? defaultLimit
  const rows = await listRows(db, timePosition('webhooks', input.cursor), limit + 1)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(toWebhook),
    nextCursor:
      last && rows.length > limit ? encodeCursor('webhooks', [last.created_at.getTime(), last.id]) : null,
  }
}
