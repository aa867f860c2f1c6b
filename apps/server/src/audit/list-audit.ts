import { type AuditEntry, defaultLimit } from '@sotto/contract'
import { isUuid, store } from '@sotto/db'
import type { AdminContext, CallerContext } from '../app/context.ts'
import { requireUser } from '../auth/access.ts'
import { CONFIGURED_KEY_ID } from '../auth/caller.ts'
import { timeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { toAuditEntry } from '../views/audit.ts'

/** The audit log, newest first. */
export async function listAudit(
  ctx: AdminContext,
  input: InputOf<'audit', 'list'>,
): Promise<{ items: AuditEntry[]; nextCursor: string | null }> {
  const limit = input.limit ?? defaultLimit
  const filter = {
    actorId: await idOf(ctx, input.actor, 'actor'),
    subjectId: await idOf(ctx, input.subject, 'subject'),
    action: input.action,
    since: input.since,
  }
  const after = timePosition('audit', input.cursor)
  // `until` is exclusive. In the order of the list, this position comes after all entries at that time.
  const before = input.until && input.until < after.at ? { at: input.until, id: FIRST_ID } : after
  const rows = await ctx.app.read((db) => store.audit.list(db, filter, before, limit + 1))
  const page = pageOf(rows, limit, (last) => timeCursor('audit', last.created_at, last.id))
  return {
    items: page.rows.map(toAuditEntry),
    nextCursor: page.nextCursor,
  }
}

/** Sorts before every id. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/** Returns ids unchanged, because the user or key may no longer exist, and looks up usernames. */
async function idOf(ctx: CallerContext, ref: string | undefined, field: string): Promise<string | undefined> {
  if (ref === undefined || ref === CONFIGURED_KEY_ID || isUuid(ref)) return ref
  return (await requireUser(ctx, ref, field)).id
}
