import { type Contact, defaultLimit } from '@sotto/contract'
import { listContacts as listRows } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { encodeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toContact } from './show-contact.ts'

/** The actor's contacts in one state, newest first. */
export async function listContacts(
  ctx: ActorContext,
  input: InputOf<'contacts', 'list'>,
): Promise<{ items: Contact[]; nextCursor: string | null }> {
  const { actor } = ctx
  const limit = input.limit ?? defaultLimit
  const rows = await listRows(ctx.app.db, {
    userId: actor.id,
    state: input.state ?? 'accepted',
    before: timePosition('contacts', input.cursor),
    limit: limit + 1,
  })
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(toContact),
    nextCursor:
      last && rows.length > limit ? encodeCursor('contacts', [last.changed_at.getTime(), last.id]) : null,
  }
}
