import { setImmediate } from 'node:timers/promises'
import { type NotNull, sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { givenRows } from '../dialect/expressions.ts'
import type { ParticipantTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { type ConversationRow, conversationColumns } from './conversations.ts'
import { FIRST_USER_ID, type ParticipantRow } from './participants.ts'
import { type UserRow, userColumns } from './users.ts'

export type InboxRow = ConversationRow & Pick<ParticipantRow, 'read_seq' | 'skipped_count' | 'after_seq'>

/** A position in a list ordered by time, newest first, then by id. */
export interface TimePosition {
  at: Date
  id: string
}

const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
/**
 * The position before the first item of a list that is ordered newest first. Uses the last time that the contract
 * allows.
 */
export const newest: TimePosition = { at: new Date('9999-12-31T23:59:59.999Z'), id: LAST_ID }

const inboxColumns = [
  ...conversationColumns,
  'participants.read_seq',
  'participants.skipped_count',
  'participants.after_seq',
] as const

interface InboxPart {
  userId: string
  beforeAt: Date
  beforeId: string
  limit: number
}

const directPart = statement((db, p: InboxPart) =>
  db
    .selectFrom('participants')
    .innerJoin('conversations', 'conversations.id', 'participants.conversation_id')
    .select(inboxColumns)
    .where('participants.user_id', '=', p.userId)
    .where((eb) =>
      eb(
        eb.refTuple('participants.active_at', 'participants.conversation_id'),
        '<',
        eb.tuple(p.beforeAt, p.beforeId),
      ),
    )
    .orderBy('participants.active_at', 'desc')
    .orderBy('participants.conversation_id', 'desc')
    .limit(p.limit),
)

/** A stay in a group, with its conversation. */
type GroupStayRow = InboxRow &
  Pick<ParticipantTable, 'conversation_id' | 'first_event_id' | 'until_seq' | 'left_at'>

/** The number of stays that are read at once, which takes a few milliseconds. */
const STAYS_PER_PAGE = 1_000

const groupStaysAfter = statement(
  (db, p: { userId: string; conversationId: string; firstEventId: number; limit: number }) =>
    db
      .selectFrom('participants')
      .innerJoin('conversations', 'conversations.id', 'participants.conversation_id')
      .select(inboxColumns)
      .select([
        'participants.conversation_id',
        'participants.first_event_id',
        'participants.until_seq',
        'participants.left_at',
      ])
      .where('participants.user_id', '=', p.userId)
      .where('participants.active_at', 'is', null)
      .where((eb) =>
        eb(
          eb.refTuple('participants.conversation_id', 'participants.first_event_id'),
          '>',
          eb.tuple(p.conversationId, p.firstEventId),
        ),
      )
      .orderBy('participants.conversation_id')
      // Without the addition, SQLite uses the index of all stays, and also reads those in direct conversations.
      .orderBy(isPostgres(db) ? sql`participants.first_event_id` : sql`participants.first_event_id + 0`)
      .limit(p.limit),
)

/**
 * The stays of a user in groups, including ended ones, by conversation and then oldest first, in pages. There is no
 * limit on them, because others can add users to groups and remove them again. On SQLite, other work is done between
 * two pages.
 */
export async function* listGroupStays(db: Executor, userId: string): AsyncGenerator<GroupStayRow[]> {
  for (let after = { conversationId: FIRST_USER_ID, firstEventId: 0 }; ; ) {
    const rows = await groupStaysAfter(db, { userId, ...after, limit: STAYS_PER_PAGE })
    yield rows
    const last = rows.at(-1)
    if (!last || rows.length < STAYS_PER_PAGE) return
    after = { conversationId: last.conversation_id, firstEventId: last.first_event_id }
    await setImmediate()
  }
}

/**
 * A user's conversations, latest activity first.
 *
 * Direct conversations come from an index that each send updates. Groups are sorted here, so that a send to a group
 * does not have to update a row per participant.
 */
export async function list(
  db: Executor,
  userId: string,
  before: TimePosition,
  limit: number,
): Promise<InboxRow[]> {
  let latest = await directPart(db, { userId, beforeAt: before.at, beforeId: before.id, limit })
  for await (const stays of listGroupStays(db, userId)) {
    const groups = stays.filter((stay) => stay.left_at === null && isBefore(stay, before))
    if (groups.length > 0) latest = [...latest, ...groups].sort(byLatest).slice(0, limit)
  }
  return latest
}

function isBefore({ updated_at: at, id }: InboxRow, before: TimePosition): boolean {
  const order = at.getTime() - before.at.getTime()
  return order < 0 || (order === 0 && id < before.id)
}

const place = statement((db, p: { conversationId: string; userId: string }) =>
  db
    .selectFrom('participants')
    .innerJoin('conversations', 'conversations.id', 'participants.conversation_id')
    .select(inboxColumns)
    .where('participants.conversation_id', '=', p.conversationId)
    .where('participants.user_id', '=', p.userId)
    .where('participants.left_at', 'is', null),
)

/** A conversation that a user is in, together with the user's read mark. */
export async function find(
  db: Executor,
  conversationId: string,
  userId: string,
): Promise<InboxRow | undefined> {
  const [row] = await place(db, { conversationId, userId })
  return row
}

const placeOfEach = statement((db, p: { wanted: string }) =>
  db
    .selectFrom(givenRows(db, p.wanted, { conversation_id: 'uuid', user_id: 'uuid' }))
    .innerJoin('participants', (join) =>
      join
        .onRef('participants.conversation_id', '=', 'given.conversation_id')
        .onRef('participants.user_id', '=', 'given.user_id'),
    )
    .innerJoin('conversations', 'conversations.id', 'participants.conversation_id')
    .select(inboxColumns)
    .select('participants.user_id')
    .where('participants.left_at', 'is', null),
)

/** As `find`, for several conversations and users. Without those that a user is not in. In no particular order. */
export async function findForEach(
  db: Executor,
  wanted: readonly { conversationId: string; userId: string }[],
): Promise<(InboxRow & { user_id: string })[]> {
  if (wanted.length === 0) return []
  return placeOfEach(db, {
    wanted: JSON.stringify(
      wanted.map(({ conversationId, userId }) => ({ conversation_id: conversationId, user_id: userId })),
    ),
  })
}

function byLatest(a: InboxRow, b: InboxRow): number {
  return b.updated_at.getTime() - a.updated_at.getTime() || (a.id < b.id ? 1 : -1)
}

const correspondentPage = statement(
  (db, p: { userId: string; beforeAt: Date; beforeId: string; limit: number }) =>
    db
      .selectFrom('participants as mine')
      .innerJoin('participants as theirs', (join) =>
        join
          .onRef('theirs.conversation_id', '=', 'mine.conversation_id')
          .onRef('theirs.user_id', '<>', 'mine.user_id'),
      )
      .innerJoin('users', 'users.id', 'theirs.user_id')
      .select(userColumns)
      .select([
        'mine.conversation_id',
        'mine.active_at',
        'mine.sent_count',
        'theirs.sent_count as received_count',
      ])
      .where('mine.user_id', '=', p.userId)
      .where((eb) =>
        eb(eb.refTuple('mine.active_at', 'mine.conversation_id'), '<', eb.tuple(p.beforeAt, p.beforeId)),
      )
      .orderBy('mine.active_at', 'desc')
      .orderBy('mine.conversation_id', 'desc')
      .limit(p.limit)
      // The comparison above excludes null.
      .$narrowType<{ active_at: NotNull }>(),
)

export type CorrespondentRow = UserRow & {
  conversation_id: string
  active_at: Date
  sent_count: number
  received_count: number
}

/**
 * The other users of a user's direct conversations, latest message first. A direct conversation always has a message:
 * the first one creates it.
 */
export async function listCorrespondents(
  db: Executor,
  userId: string,
  before: TimePosition,
  limit: number,
): Promise<CorrespondentRow[]> {
  return correspondentPage(db, { userId, beforeAt: before.at, beforeId: before.id, limit })
}
