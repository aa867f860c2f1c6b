import { type Contact, defaultLimit } from '@sotto/contract'
import { store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { timeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { toContact } from '../views/contacts.ts'

/** The actor's contacts in one state, newest first. */
export async function listContacts(
  ctx: ActorContext,
  input: InputOf<'contacts', 'list'>,
): Promise<{ items: Contact[]; nextCursor: string | null }> {
  const { actor } = ctx
  const limit = input.limit ?? defaultLimit
  const rows = await store.contacts.list(ctx.app.db, {
    userId: actor.id,
    state: input.state ?? 'accepted',
    before: timePosition('contacts', input.cursor),
    limit: limit + 1,
  })
  const page = pageOf(rows, limit, (last) => timeCursor('contacts', last.changed_at, last.id))
  return {
    items: page.rows.map(toContact),
    nextCursor: page.nextCursor,
  }
}
