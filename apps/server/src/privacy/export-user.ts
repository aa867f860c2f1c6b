import { defaultLimit, type ExportLine, SottoError } from '@sotto/contract'
import { newest, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import type { Runtime } from '../app/runtime.ts'
import { auditActorOf, recordAudit } from '../audit/record-audit.ts'
import { requireSelfOrAdmin } from '../auth/access.ts'
import { decodeCursor, encodeCursor } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { type SectionName, type SectionPosition, sectionNames, sections } from './export-sections.ts'

/** The pages of one export make one row of the audit: whoever goes on within this time, in milliseconds. */
const ONE_EXPORT_MS = 60 * 60 * 1_000

interface ExportPage {
  items: ExportLine[]
  nextCursor: string | null
}

/** One page of everything that there is of a user. */
export async function exportUser(
  ctx: CallerContext,
  { user: ref, limit = defaultLimit, cursor }: InputOf<'users', 'export'>,
): Promise<ExportPage> {
  const user = await requireSelfOrAdmin(ctx, ref)
  const from = cursor === undefined ? beginningOf('profile') : decode(cursor)
  await recordExport(ctx, user.id)
  return readPage(ctx.app, user.id, from, limit)
}

/** All pages of it, for whoever has the database in hand. */
export async function* exportPages(
  app: Pick<Runtime, 'db' | 'now'>,
  userId: string,
  limit: number,
): AsyncGenerator<ExportLine[]> {
  let from = beginningOf('profile')
  for (;;) {
    const { items, nextCursor } = await readPage(app, userId, from, limit)
    yield items
    if (nextCursor === null) return
    from = decode(nextCursor)
  }
}

async function readPage(
  { db, now }: Pick<Runtime, 'db' | 'now'>,
  userId: string,
  begin: Position,
  limit: number,
): Promise<ExportPage> {
  const items: ExportLine[] = []
  for (let from = begin; ; ) {
    const part = await sections[from.section].read(db, userId, from.place, limit - items.length, now())
    for (const { line, after } of part.lines) {
      items.push({ ...line, cursor: encode({ section: from.section, place: after }) })
    }
    const next = part.next ? { section: from.section, place: part.next } : sectionAfter(from.section)
    if (!next) return { items, nextCursor: null }
    // A part without a line has looked far enough for one request.
    if (items.length === limit || (part.next && part.lines.length === 0)) {
      return { items, nextCursor: encode(next) }
    }
    from = next
  }
}

interface Position {
  section: SectionName
  place: SectionPosition
}

function beginningOf(section: SectionName): Position {
  return { section, place: sections[section].start }
}

function sectionAfter(section: SectionName): Position | undefined {
  const next = sectionNames[sectionNames.indexOf(section) + 1]
  return next && beginningOf(next)
}

function encode({ section, place }: Position): string {
  return encodeCursor('export', [section, place.id, place.text, place.n, place.m])
}

function decode(cursor: string): Position {
  const [section, id, text, n, m] = decodeCursor('export', cursor)
  const known = sectionNames.find((name) => name === section)
  if (!known) throw new SottoError('INVALID_CURSOR')
  return { section: known, place: { id, text, n, m } }
}

/** Once for all pages of it. By what is in the audit and not by the cursor, which anybody can make up. */
async function recordExport(ctx: CallerContext, userId: string): Promise<void> {
  const { app } = ctx
  const act = { action: 'user.exported', subjectId: userId } as const
  const since = new Date(app.now().getTime() - ONE_EXPORT_MS)
  const actorId = auditActorOf(ctx)
  const filter = { ...act, since, ...(actorId !== null && { actorId }) }
  if ((await store.audit.list(app.db, filter, newest, 1)).length > 0) return
  await app.db.transaction().execute((trx) => recordAudit(trx, ctx, act))
}
