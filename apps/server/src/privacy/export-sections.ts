import { type ExportLine, SottoError } from '@sotto/contract'
import { type Executor, type ExportedStay, FIRST_USER_ID, newest, store } from '@sotto/db'
import { toBlock } from '../views/blocks.ts'
import { toContact } from '../views/contacts.ts'
import { toMessage } from '../views/messages.ts'
import { toSession } from '../views/sessions.ts'
import { toExportedEdit, toExportedReaction, toExportedReceipt, toStay } from '../views/user-data.ts'
import { toAccount, toUser } from '../views/users.ts'

/* The sections of an export. Each reads along an index, can resume at any position and keeps no state. */

/** A position in a section. Each section gives the fields its own meaning. */
export interface SectionPosition {
  id: string
  text: string
  n: number
  m: number
}

type WithoutCursor<Line> = Line extends unknown ? Omit<Line, 'cursor'> : never
/** A line and the position after it. */
interface LineAndPosition {
  line: WithoutCursor<ExportLine>
  after: SectionPosition
}

interface Part {
  lines: LineAndPosition[]
  /** Where to continue; undefined at the end of the section. */
  next: SectionPosition | undefined
}

interface Section {
  start: SectionPosition
  read(db: Executor, userId: string, from: SectionPosition, limit: number, now: Date): Promise<Part>
}

const firstPosition: SectionPosition = { id: FIRST_USER_ID, text: '', n: 0, m: 0 }

/** The maximum number of stays per part. A part ends there even if it has no lines, to bound the request. */
const MAX_STAYS = 100

export const sections = {
  profile: {
    start: firstPosition,
    async read(db, userId, from) {
      if (from.n > 0) return { lines: [], next: undefined }
      const row = await store.accounts.find(db, userId)
      if (!row) throw new SottoError('USER_NOT_FOUND', { detail: 'no such user' })
      const lastSeenAt = (await store.lastSeen.find(db, userId)) ?? null
      const line = { type: 'profile' as const, profile: toAccount(row, toUser(row)), lastSeenAt }
      return { lines: [{ line, after: { ...firstPosition, n: 1 } }], next: undefined }
    },
  },
  sessions: {
    start: { ...firstPosition, id: newest.id, n: newest.at.getTime() },
    async read(db, userId, from, limit, now) {
      const rows = await store.sessions.list(db, userId, now, { at: new Date(from.n), id: from.id }, limit)
      return partOf(rows, limit, (row) => ({
        line: { type: 'session', session: toSession(row) },
        after: { ...firstPosition, id: row.id, n: row.created_at.getTime() },
      }))
    },
  },
  contacts: {
    start: firstPosition,
    async read(db, userId, from, limit) {
      const rows = await store.userData.listContacts(db, userId, from.id, limit)
      return partOf(rows, limit, (row) => ({
        line: { type: 'contact', contact: toContact(row) },
        after: { ...firstPosition, id: row.id },
      }))
    },
  },
  blocks: {
    start: firstPosition,
    async read(db, userId, from, limit) {
      const rows = await store.userData.listBlocks(db, userId, from.id, limit)
      return partOf(rows, limit, (row) => ({
        line: { type: 'block', block: toBlock(row) },
        after: { ...firstPosition, id: row.id },
      }))
    },
  },
  stays: {
    start: firstPosition,
    async read(db, userId, from, limit) {
      const rows = await store.userData.listStays(db, userId, stayPosition(from), limit)
      return partOf(rows, limit, (row) => ({
        line: { type: 'stay', stay: toStay(row, userId) },
        after: { ...firstPosition, id: row.conversation_id, n: row.first_event_id + 1 },
      }))
    },
  },
  messages: {
    start: firstPosition,
    read: (db, userId, from, limit) =>
      readStays(db, userId, from, limit, async (stay, position, rest) => {
        const rows = await store.messages.list(
          db,
          {
            viewer: userId,
            conversationId: stay.conversation_id,
            above: Math.max(stay.after_seq, position.m),
            below: stay.until_seq === null ? Number.MAX_SAFE_INTEGER : stay.until_seq + 1,
            limit: rest,
          },
          'oldest first',
        )
        return rows.map((row) => ({
          line: { type: 'message', message: toMessage(row, userId) },
          after: { ...position, m: row.seq },
        }))
      }),
  },
  edits: {
    start: firstPosition,
    async read(db, userId, from, limit) {
      const after = { at: new Date(from.n), id: from.id, version: from.m }
      const { rows, next } = await store.userData.listEdits(db, userId, after, limit)
      const lines = rows.map((row) => ({
        line: { type: 'edit' as const, edit: toExportedEdit(row) },
        after: { ...firstPosition, id: row.message_id, n: row.created_at.getTime(), m: row.version },
      }))
      if (rows.length >= limit) return { lines, next: lines.at(-1)?.after }
      return {
        lines,
        next: next && { ...firstPosition, id: next.id, n: next.at.getTime(), m: next.version },
      }
    },
  },
  reactions: {
    start: firstPosition,
    async read(db, userId, from, limit) {
      const rows = await store.userData.listReactions(
        db,
        userId,
        { messageId: from.id, emoji: from.text },
        limit,
      )
      return partOf(rows, limit, (row) => ({
        line: { type: 'reaction', reaction: toExportedReaction(row) },
        after: { ...firstPosition, id: row.message_id, text: row.emoji },
      }))
    },
  },
  receipts: {
    start: { ...firstPosition, text: 'delivered' },
    read: (db, userId, from, limit) =>
      readStays(db, userId, from, limit, async (stay, position, rest) => {
        const conversationId = stay.conversation_id
        const kind = position.text === 'read' ? 'read' : 'delivered'
        const rows = await store.userData.listReceipts(
          db,
          {
            userId,
            conversationId,
            kind,
            seq: position.m,
            above: stay.after_seq,
            upTo: stay.until_seq ?? Number.MAX_SAFE_INTEGER,
          },
          rest,
        )
        return rows.map((row) => ({
          line: { type: 'receipt', receipt: toExportedReceipt(row, conversationId) },
          after: { ...position, text: row.kind, m: row.seq },
        }))
      }),
  },
  end: {
    start: firstPosition,
    async read(_db, _userId, from) {
      if (from.n > 0) return { lines: [], next: undefined }
      return { lines: [{ line: { type: 'end' }, after: { ...firstPosition, n: 1 } }], next: undefined }
    },
  },
} as const satisfies Record<string, Section>

export type SectionName = keyof typeof sections

// Object.keys() returns string[].
export const sectionNames = Object.keys(sections) as [SectionName, ...SectionName[]]

function partOf<Row>(rows: readonly Row[], limit: number, toLine: (row: Row) => LineAndPosition): Part {
  const lines = rows.map(toLine)
  return { lines, next: rows.length < limit ? undefined : lines.at(-1)?.after }
}

/** Reads the conversations of a user stay by stay. */
async function readStays(
  db: Executor,
  userId: string,
  from: SectionPosition,
  limit: number,
  read: (stay: ExportedStay, position: SectionPosition, rest: number) => Promise<LineAndPosition[]>,
): Promise<Part> {
  const lines: LineAndPosition[] = []
  const stays = await store.userData.listStays(db, userId, stayPosition(from), MAX_STAYS)
  for (const stay of stays) {
    const begin = { ...firstPosition, id: stay.conversation_id, n: stay.first_event_id }
    const isSame = begin.id === from.id && begin.n === from.n
    const found = await read(stay, isSame ? from : begin, limit - lines.length)
    lines.push(...found)
    if (lines.length >= limit) return { lines, next: lines.at(-1)?.after }
  }
  const last = stays.at(-1)
  const next =
    last && stays.length === MAX_STAYS
      ? { ...firstPosition, id: last.conversation_id, n: last.first_event_id + 1 }
      : undefined
  return { lines, next }
}

function stayPosition({ id, n }: SectionPosition) {
  return { conversationId: id, firstEventId: n }
}
