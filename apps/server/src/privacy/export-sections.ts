import { type ExportLine, SottoError } from '@sotto/contract'
import { type Executor, type ExportedStay, FIRST_USER_ID, newest, store } from '@sotto/db'
import { toBlock } from '../views/blocks.ts'
import { toContact } from '../views/contacts.ts'
import { toMessage } from '../views/messages.ts'
import { toSession } from '../views/sessions.ts'
import { toExportedReaction, toExportedReceipt, toStay } from '../views/user-data.ts'
import { toAccount, toUser } from '../views/users.ts'

/* The sections of an export. Each is a walk along an index that can be gone on with from a place, and holds nothing. */

/** Where in a section to go on: what the numbers and texts mean is the section's own. */
export interface SectionPosition {
  id: string
  text: string
  n: number
  m: number
}

type WithoutCursor<Line> = Line extends unknown ? Omit<Line, 'cursor'> : never
/** A line, and the place after it. */
interface LineAndPosition {
  line: WithoutCursor<ExportLine>
  after: SectionPosition
}

interface Part {
  lines: LineAndPosition[]
  /** Where to go on when there may be more; undefined at the end of the section. */
  next: SectionPosition | undefined
}

interface Section {
  start: SectionPosition
  read(db: Executor, userId: string, from: SectionPosition, limit: number, now: Date): Promise<Part>
}

const nowhere: SectionPosition = { id: FIRST_USER_ID, text: '', n: 0, m: 0 }

/** How many conversations one part looks into at most: most may have nothing more to say. */
const STAYS = 100

export const sections = {
  profile: {
    start: nowhere,
    async read(db, userId, from) {
      if (from.n > 0) return { lines: [], next: undefined }
      const row = await store.accounts.find(db, userId)
      if (!row) throw new SottoError('USER_NOT_FOUND', { detail: 'no such user' })
      const line = { type: 'profile' as const, profile: toAccount(row, toUser(row)) }
      return { lines: [{ line, after: { ...nowhere, n: 1 } }], next: undefined }
    },
  },
  sessions: {
    start: { ...nowhere, id: newest.id, n: newest.at.getTime() },
    async read(db, userId, from, limit, now) {
      const rows = await store.sessions.list(db, userId, now, { at: new Date(from.n), id: from.id }, limit)
      return partOf(rows, limit, (row) => ({
        line: { type: 'session', session: toSession(row) },
        after: { ...nowhere, id: row.id, n: row.created_at.getTime() },
      }))
    },
  },
  contacts: {
    start: nowhere,
    async read(db, userId, from, limit) {
      const rows = await store.userData.listContacts(db, userId, from.id, limit)
      return partOf(rows, limit, (row) => ({
        line: { type: 'contact', contact: toContact(row) },
        after: { ...nowhere, id: row.id },
      }))
    },
  },
  blocks: {
    start: nowhere,
    async read(db, userId, from, limit) {
      const rows = await store.userData.listBlocks(db, userId, from.id, limit)
      return partOf(rows, limit, (row) => ({
        line: { type: 'block', block: toBlock(row) },
        after: { ...nowhere, id: row.id },
      }))
    },
  },
  stays: {
    start: nowhere,
    async read(db, userId, from, limit) {
      const rows = await store.userData.listStays(db, userId, stayPosition(from), limit)
      return partOf(rows, limit, (row) => ({
        line: { type: 'stay', stay: toStay(row, userId) },
        after: { ...nowhere, id: row.conversation_id, n: row.first_event_id + 1 },
      }))
    },
  },
  messages: {
    start: nowhere,
    read: (db, userId, from, limit) =>
      walkStays(db, userId, from, limit, async (stay, place, rest) => {
        const rows = await store.messages.list(
          db,
          {
            viewer: userId,
            conversationId: stay.conversation_id,
            above: Math.max(stay.after_seq, place.m),
            below: stay.until_seq === null ? Number.MAX_SAFE_INTEGER : stay.until_seq + 1,
            limit: rest,
          },
          'oldest first',
        )
        return rows.map((row) => ({
          line: { type: 'message', message: toMessage(row, userId) },
          after: { ...place, m: row.seq },
        }))
      }),
  },
  reactions: {
    start: nowhere,
    async read(db, userId, from, limit) {
      const rows = await store.userData.listReactions(
        db,
        userId,
        { messageId: from.id, emoji: from.text },
        limit,
      )
      return partOf(rows, limit, (row) => ({
        line: { type: 'reaction', reaction: toExportedReaction(row) },
        after: { ...nowhere, id: row.message_id, text: row.emoji },
      }))
    },
  },
  receipts: {
    start: { ...nowhere, text: 'delivered' },
    read: (db, userId, from, limit) =>
      walkStays(db, userId, from, limit, async (stay, place, rest) => {
        const conversationId = stay.conversation_id
        const kind = place.text === 'read' ? 'read' : 'delivered'
        const rows = await store.userData.listReceipts(
          db,
          {
            userId,
            conversationId,
            kind,
            seq: place.m,
            above: stay.after_seq,
            upTo: stay.until_seq ?? Number.MAX_SAFE_INTEGER,
          },
          rest,
        )
        return rows.map((row) => ({
          line: { type: 'receipt', receipt: toExportedReceipt(row, conversationId) },
          after: { ...place, text: row.kind, m: row.seq },
        }))
      }),
  },
  end: {
    start: nowhere,
    async read(_db, _userId, from) {
      if (from.n > 0) return { lines: [], next: undefined }
      return { lines: [{ line: { type: 'end' }, after: { ...nowhere, n: 1 } }], next: undefined }
    },
  },
} as const satisfies Record<string, Section>

export type SectionName = keyof typeof sections

/** Not an array of any strings: what `Object.keys` has lost of the type. */
export const sectionNames = Object.keys(sections) as [SectionName, ...SectionName[]]

function partOf<Row>(rows: readonly Row[], limit: number, toLine: (row: Row) => LineAndPosition): Part {
  const lines = rows.map(toLine)
  return { lines, next: rows.length < limit ? undefined : lines.at(-1)?.after }
}

/** What lies in the conversations of a user: one range for each stay, in the order of the stays. */
async function walkStays(
  db: Executor,
  userId: string,
  from: SectionPosition,
  limit: number,
  read: (stay: ExportedStay, place: SectionPosition, rest: number) => Promise<LineAndPosition[]>,
): Promise<Part> {
  const lines: LineAndPosition[] = []
  const stays = await store.userData.listStays(db, userId, stayPosition(from), STAYS)
  for (const stay of stays) {
    const begin = { ...nowhere, id: stay.conversation_id, n: stay.first_event_id }
    const isSame = begin.id === from.id && begin.n === from.n
    const found = await read(stay, isSame ? from : begin, limit - lines.length)
    lines.push(...found)
    if (lines.length >= limit) return { lines, next: lines.at(-1)?.after }
  }
  const last = stays.at(-1)
  const next =
    last && stays.length === STAYS
      ? { ...nowhere, id: last.conversation_id, n: last.first_event_id + 1 }
      : undefined
  return { lines, next }
}

function stayPosition({ id, n }: SectionPosition) {
  return { conversationId: id, firstEventId: n }
}
