import { defaultLimit, type ExportLine, SottoError } from '@sotto/contract'
import { newest, store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import type { Runtime } from '../app/runtime.ts'
import { auditActorOf, recordAudit } from '../audit/record-audit.ts'
import { requireSelfOrAdmin } from '../auth/access.ts'
import { decodeCursor, encodeCursor } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { type SectionName, type SectionPosition, sectionNames, sections } from './export-sections.ts'

/** Pages that a caller reads within this time count as one export in the audit log, in milliseconds. */
const ONE_EXPORT_MS = 60 * 60 * 1_000

interface ExportPage {
  items: ExportLine[]
  nextCursor: string | null
}

/** One page of all data of a user. */
export async function exportUser(
  ctx: CallerContext,
  { user: ref, limit = defaultLimit, cursor }: InputOf<'users', 'export'>,
): Promise<ExportPage> {
  const user = await requireSelfOrAdmin(ctx, ref)
  const from = cursor === undefined ? startOf('profile') : decode(cursor)
  await recordExport(ctx, user.id)
  return readPage(ctx.app, user.id, from, limit)
}

/** All pages, for the command line. Neither checks access nor records the export in the audit log. */
export async function* exportPages(
  app: Pick<Runtime, 'db' | 'now'>,
  userId: string,
  limit: number,
): AsyncGenerator<ExportLine[]> {
  let from = startOf('profile')
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
    const part = await sections[from.section].read(db, userId, from.position, limit - items.length, now())
    for (const { line, after } of part.lines) {
      items.push({ ...line, cursor: encode({ section: from.section, position: after }) })
    }
    const next = part.next ? { section: from.section, position: part.next } : sectionAfter(from.section)
    if (!next) return { items, nextCursor: null }
    // A part without lines that has more to read ends the page, to bound the request.
    if (items.length === limit || (part.next && part.lines.length === 0)) {
      return { items, nextCursor: encode(next) }
    }
    from = next
  }
}

interface Position {
  section: SectionName
  position: SectionPosition
}

function startOf(section: SectionName): Position {
  return { section, position: sections[section].start }
}

function sectionAfter(section: SectionName): Position | undefined {
  const next = sectionNames[sectionNames.indexOf(section) + 1]
  return next && startOf(next)
}

function encode({ section, position }: Position): string {
  return encodeCursor('export', [section, position.id, position.text, position.n, position.m])
}

function decode(cursor: string): Position {
  const [section, id, text, n, m] = decodeCursor('export', cursor)
  const known = sectionNames.find((name) => name === section)
  if (!known) throw new SottoError('INVALID_CURSOR')
  return { section: known, position: { id, text, n, m } }
}

/** Recorded once for all pages. Looks for an earlier entry, because a cursor does not prove an earlier page. */
async function recordExport(ctx: CallerContext, userId: string): Promise<void> {
  const { app } = ctx
  const act = { action: 'user.exported', subjectId: userId } as const
  const since = new Date(app.now().getTime() - ONE_EXPORT_MS)
  const actorId = auditActorOf(ctx)
  const filter = { ...act, since, ...(actorId !== null && { actorId }) }
  if ((await store.audit.list(app.db, filter, newest, 1)).length > 0) return
  await app.db.transaction().execute((trx) => recordAudit(trx, ctx, act))
}
