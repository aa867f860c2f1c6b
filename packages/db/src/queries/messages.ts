import { type Expression, type ExpressionBuilder, type RawBuilder, sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { findsOne, givenRows, type IdList, idList, inList, jsonArray } from '../dialect/expressions.ts'
import { emptyContent, type MessageTable, messageColumnNames } from '../message-table.ts'
import type { Schema } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { isUuid } from './users.ts'

/** A message with the data needed to show it to one viewer, as that viewer may see it. */
export type MessageRow = MessageTable & {
  sender: string
  delivered_at: Date | null
  read_at: Date | null
  /** JSON array of the viewer's reactions. Null if the message has no reactions. */
  my_emojis: string | null
}

/** The id of the user who reads, or null for a bare service key. */
export type Viewer = string | null

/**
 * What a former participant sees of a group's message that has been edited or has reactions. Read in the same statement
 * as the message: otherwise a change could fall between the two.
 */
interface EndOfStay {
  /** The last event of the viewer's last stay. Null if the viewer is in the conversation. */
  end_event_id: number | null
  /** The first version that was replaced after that event. Null if the current text is older than the event. */
  end_version: number | null
  end_text: string | null
  end_edited_at: Date | null
}

type SelectedRow = MessageRow & EndOfStay

/**
 * Turns a message into what its viewer may see of it. A former participant sees it as it was when their last stay ended,
 * without reactions, whose history is not kept. A deletion applies to everyone.
 *
 * Everything that is derived from a message and can change after it was sent must be handled here.
 */
function asSeen(selected: SelectedRow): MessageRow {
  const { end_event_id: end, end_version: version, end_text, end_edited_at, ...row } = selected
  if (end === null) return row
  const frozen = { ...row, reactions: null, my_emojis: null }
  // The edits of a deleted message are gone, and with them their positions.
  if (row.deleted_at !== null) return { ...frozen, edited_at: null }
  return version === null ? frozen : { ...frozen, text: end_text, edited_at: end_edited_at }
}

/** The columns of `EndOfStay`. Null without looking anything up for messages that have not changed. */
function endOfStay(
  eb: ExpressionBuilder<Schema & { m: MessageTable }, 'm'>,
  viewer: Viewer | Expression<Viewer>,
) {
  // Only the last stay can last. Others can begin and end any number of stays of a user.
  const lastStay = eb
    .selectFrom('participants as stay')
    .whereRef('stay.conversation_id', '=', 'm.conversation_id')
    .where('stay.user_id', '=', viewer)
    .orderBy('stay.first_event_id', 'desc')
    .limit(1)
  const endEventId = lastStay.select('stay.last_event_id')
  const endedAt = lastStay.select('stay.left_at')
  const edits = (when: 'before the end' | 'after the end') => {
    const operators = when === 'after the end' ? (['>', '>='] as const) : (['<=', '<'] as const)
    return eb
      .selectFrom('message_edits as edit')
      .whereRef('edit.message_id', '=', 'm.id')
      .where((e) =>
        e.or([
          e('edit.event_id', operators[0], endEventId),
          // Edits by older servers have no position. Their time is the best there is.
          e.and([e('edit.event_id', 'is', null), e('edit.replaced_at', operators[1], endedAt)]),
        ]),
      )
      .limit(1)
  }
  const next = edits('after the end').orderBy('edit.version')
  const previous = edits('before the end').orderBy('edit.version', 'desc')
  const isOfGroup = eb('m.recipient_id', 'is', null)
  const isEdited = eb('m.edited_at', 'is not', null)
  const ifChanged = eb.case().when(eb.and([isOfGroup, eb.or([isEdited, eb('m.reactions', 'is not', null)])]))
  const ifEdited = eb.case().when(eb.and([isOfGroup, isEdited]))
  return [
    ifChanged.then(endEventId).else(null).end().as('end_event_id'),
    ifEdited.then(next.select('edit.version')).else(null).end().as('end_version'),
    ifEdited.then(next.select('edit.text')).else(null).end().as('end_text'),
    ifEdited.then(previous.select('edit.replaced_at')).else(null).end().as('end_edited_at'),
  ] as const
}

/**
 * The select shared by all lists of messages. Its rows must pass through `asSeen`.
 *
 * A receipt covers a range that ends at its seq, so the first receipt at or after a message's seq covers that message.
 */
function selectMessages(db: Executor, viewer: Viewer | Expression<Viewer>) {
  return db
    .selectFrom('messages as m')
    .innerJoin('users as sender', 'sender.id', 'm.sender_id')
    .select(messageColumnNames.map((name) => `m.${name}` as const))
    .select('sender.username as sender')
    .select((eb) => {
      const receipt = (kind: 'delivered' | 'read') =>
        eb
          .selectFrom('receipts as r')
          .select('r.receipt_at')
          .whereRef('r.conversation_id', '=', 'm.conversation_id')
          .whereRef('r.user_id', '=', 'm.recipient_id')
          // Notes to self have no recipient.
          .whereRef('r.user_id', '<>', 'm.sender_id')
          .where('r.kind', '=', kind)
          .whereRef('r.seq', '>=', 'm.seq')
          .orderBy('r.seq')
          .limit(1)
      return [receipt('delivered').as('delivered_at'), receipt('read').as('read_at')]
    })
    .select((eb) =>
      eb
        .case()
        .when('m.reactions', 'is not', null)
        .then(
          eb
            .selectFrom('reactions as mine')
            .select(jsonArray(db, eb.ref('mine.emoji' as never)).as('emojis'))
            .whereRef('mine.message_id', '=', 'm.id')
            .where('mine.user_id', '=', viewer),
        )
        .else(null)
        .end()
        .as('my_emojis'),
    )
    .select((eb) => endOfStay(eb, viewer))
}

interface Range {
  viewer: Viewer
  conversationId: string
  /** seq > above */
  above: number
  /** seq < below */
  below: number
  limit: number
}

type Order = 'newest first' | 'oldest first'

/** A statement for each order. */
function inBothOrders<P extends { limit: number }>(
  build: (db: Executor, parameters: P) => ReturnType<typeof selectMessages>,
): Record<Order, (db: Executor, parameters: P) => Promise<SelectedRow[]>> {
  return {
    'newest first': statement((db, p: P) => build(db, p).orderBy('m.seq', 'desc').limit(p.limit)),
    'oldest first': statement((db, p: P) => build(db, p).orderBy('m.seq', 'asc').limit(p.limit)),
  }
}

const ofConversation = inBothOrders((db, p: Range) =>
  selectMessages(db, p.viewer)
    .where('m.conversation_id', '=', p.conversationId)
    .where('m.seq', '>', p.above)
    .where('m.seq', '<', p.below),
)

/** The messages of a conversation with above < seq < below, by seq. */
export async function list(db: Executor, range: Range, order: Order): Promise<MessageRow[]> {
  return (await ofConversation[order](db, range)).map(asSeen)
}

interface DirectRange extends Omit<Range, 'conversationId'> {
  key: string
}

const ofDirectConversation = inBothOrders((db, p: DirectRange) =>
  selectMessages(db, p.viewer)
    .where('m.conversation_id', '=', (eb) =>
      eb.selectFrom('conversations').select('conversations.id').where('conversations.direct_key', '=', p.key),
    )
    .where('m.seq', '>', p.above)
    .where('m.seq', '<', p.below),
)

/** The messages of a direct conversation with above < seq < below, by seq. Empty if it does not exist. */
export async function listDirect(db: Executor, range: DirectRange, order: Order): Promise<MessageRow[]> {
  return (await ofDirectConversation[order](db, range)).map(asSeen)
}

const ofOnlyStay = inBothOrders((db, p: Range) => {
  // A second stay is enough to know that it is not the only one.
  const stays = db
    .selectFrom('participants')
    .select(['after_seq', 'until_seq'])
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.viewer)
    .limit(2)
  // Null, so that nothing matches, unless there is one stay. Each bound is one value: with two conditions, SQLite would
  // seek to one of them and skip the rows up to the other.
  const ifOnly = (bound: RawBuilder<number>) =>
    db.selectFrom(stays.as('stays')).select(sql<number>`case when count(*) = 1 then ${bound} end`.as('bound'))
  const [max, min] = isPostgres(db) ? ['greatest', 'least'] : ['max', 'min']
  const above = sql<number>`${sql.raw(max)}(max(after_seq), ${p.above})`
  const below = sql<number>`${sql.raw(min)}(coalesce(max(until_seq) + 1, ${p.below}), ${p.below})`
  return selectMessages(db, p.viewer)
    .where('m.conversation_id', '=', p.conversationId)
    .where('m.seq', '>', ifOnly(above))
    .where('m.seq', '<', ifOnly(below))
})

/**
 * The messages of a conversation with above < seq < below that its viewer may read, by seq, in one statement with the
 * check of access. Also empty if the viewer has had several stays in the conversation.
 */
export async function listOfOnlyStay(
  db: Executor,
  range: Range & { viewer: string },
  order: Order,
): Promise<MessageRow[]> {
  return (await ofOnlyStay[order](db, range)).map(asSeen)
}

const firstSince = statement((db, p: { conversationId: string; since: Date }) =>
  db
    .selectFrom('messages')
    .select('seq')
    .where('conversation_id', '=', p.conversationId)
    .where('created_at', '>=', p.since)
    .orderBy('created_at')
    .orderBy('seq')
    .limit(1),
)

/**
 * The seq of the first message in a conversation at or after this time. created_at never decreases within a
 * conversation.
 */
export async function findFirstSeqSince(
  db: Executor,
  conversationId: string,
  since: Date,
): Promise<number | undefined> {
  const [row] = await firstSince(db, { conversationId, since })
  return row?.seq
}

const byId = statement((db, p: { viewer: Viewer; id: string }) =>
  selectMessages(db, p.viewer).where('m.id', '=', p.id),
)

export async function find(db: Executor, id: string, viewer: Viewer): Promise<MessageRow | undefined> {
  if (!isUuid(id)) return undefined
  const [row] = await byId(db, { viewer, id })
  return row && asSeen(row)
}

const byIds = statement((db, p: { viewer: Viewer; ids: IdList }) =>
  selectMessages(db, p.viewer).where((eb) => inList(db, eb, 'm.id', p.ids)),
)

/** In no particular order. */
export async function findMany(db: Executor, ids: readonly string[], viewer: Viewer): Promise<MessageRow[]> {
  return ids.length === 0 ? [] : (await byIds(db, { viewer, ids: idList(db, ids) })).map(asSeen)
}

const wantedColumns = { conversation_id: 'uuid', seq: 'bigint', viewer_id: 'uuid' } as const

const forViewers = statement((db, p: { wanted: string }) =>
  selectMessages(db, sql.ref<Viewer>('given.viewer_id'))
    .innerJoin(givenRows(db, p.wanted, wantedColumns), (join) =>
      join.onRef('given.conversation_id', '=', 'm.conversation_id').onRef('given.seq', '=', 'm.seq'),
    )
    .select('given.viewer_id'),
)

/** A message by its seq, for one viewer. */
export interface WantedMessage {
  conversationId: string
  seq: number
  viewer: Viewer
}

/** Messages for several viewers, each with the viewer it is for. In no particular order. */
export async function findForEach(
  db: Executor,
  wanted: readonly WantedMessage[],
): Promise<{ message: MessageRow; viewer: Viewer }[]> {
  if (wanted.length === 0) return []
  const rows = await forViewers(db, {
    wanted: JSON.stringify(
      wanted.map(({ conversationId, seq, viewer }) => ({
        conversation_id: conversationId,
        seq,
        viewer_id: viewer,
      })),
    ),
  })
  return rows.map(({ viewer_id: viewer, ...row }) => ({ message: asSeen(row), viewer }))
}

const lastOfEach = statement((db, p: { viewer: Viewer; ids: IdList }) =>
  selectMessages(db, p.viewer)
    .innerJoin('conversations as c', (join) =>
      join.onRef('c.id', '=', 'm.conversation_id').onRef('c.last_seq', '=', 'm.seq'),
    )
    .where((eb) => inList(db, eb, 'c.id', p.ids)),
)

/** The last message of each of these conversations. */
export async function findLastOfEach(
  db: Executor,
  conversationIds: readonly string[],
  viewer: Viewer,
): Promise<MessageRow[]> {
  if (conversationIds.length === 0) return []
  return (await lastOfEach(db, { viewer, ids: idList(db, conversationIds) })).map(asSeen)
}

const senderAt = statement((db, p: { conversationId: string; seq: number }) =>
  db
    .selectFrom('messages')
    .select('sender_id')
    .where('conversation_id', '=', p.conversationId)
    .where('seq', '=', p.seq),
)

/** The id of the user who has sent the message with this seq. */
export async function findSender(
  db: Executor,
  conversationId: string,
  seq: number,
): Promise<string | undefined> {
  const [row] = await senderAt(db, { conversationId, seq })
  return row?.sender_id
}

const byClientMessageId = statement(
  (db, p: { conversationId: string; senderId: string; clientMessageId: string }) =>
    db
      .selectFrom('messages')
      .select(['id', 'content_hash'])
      .where('conversation_id', '=', p.conversationId)
      .where('sender_id', '=', p.senderId)
      .where('client_message_id', '=', p.clientMessageId),
)

/** The message created by an earlier send with this clientMessageId. */
export async function findByClientMessageId(
  db: Executor,
  key: { conversationId: string; senderId: string; clientMessageId: string },
): Promise<{ id: string; content_hash: string | null } | undefined> {
  const [row] = await byClientMessageId(db, key)
  return row
}

const sentToErased = statement((db, p: { senderId: string; clientMessageId: string; limit: number }) =>
  db
    .selectFrom(
      db
        .selectFrom('participants')
        .select('conversation_id')
        .where('user_id', '=', p.senderId)
        .where('active_at', 'is not', null)
        .orderBy('active_at', 'desc')
        .orderBy('conversation_id', 'desc')
        .limit(p.limit)
        .as('recent'),
    )
    // A join could be planned as a scan of all messages.
    .select((eb) =>
      eb
        .selectFrom('messages as m')
        .select('m.id')
        .whereRef('m.conversation_id', '=', 'recent.conversation_id')
        .where('m.sender_id', '=', p.senderId)
        .where('m.client_message_id', '=', p.clientMessageId)
        .where((m) =>
          findsOne(
            m
              .selectFrom('users')
              .whereRef('users.id', '=', 'm.recipient_id')
              .where('users.erased_at', 'is not', null),
          ),
        )
        .as('message_id'),
    ),
)

/** The number of direct conversations in which `findSentToErased` looks: those of the most recent messages. */
const MAX_RECENT = 1_000

/**
 * The messages with this clientMessageId to users who have been erased since. Their usernames are gone, so a repeated
 * send does not say in which conversation the message is.
 */
export async function findSentToErased(
  db: Executor,
  senderId: string,
  clientMessageId: string,
): Promise<{ id: string; content_hash: string | null }[]> {
  const rows = await sentToErased(db, { senderId, clientMessageId, limit: MAX_RECENT })
  const ids = rows.flatMap((row) => row.message_id ?? [])
  return ids.length === 0 ? [] : hashesOf(db, { ids: idList(db, ids) })
}

const hashesOf = statement((db, p: { ids: IdList }) =>
  db
    .selectFrom('messages')
    .select(['id', 'content_hash'])
    .where((eb) => inList(db, eb, 'messages.id', p.ids)),
)

/**
 * Sets the text and keeps the previous one.
 *
 * @param eventId the event of the edit
 * @returns how often the message has been edited, including this time.
 */
export async function updateText(
  trx: Executor,
  message: MessageRow,
  text: string,
  { eventId, at }: { eventId: number; at: Date },
): Promise<number> {
  const { version } = await trx
    .insertInto('message_edits')
    .columns(['message_id', 'version', 'text', 'replaced_at', 'event_id'])
    .expression((eb) =>
      eb
        .selectFrom('message_edits')
        .select((s) => [
          s.val(message.id).$castTo<string>().as('message_id'),
          s(s.fn.coalesce(s.fn.max('version'), s.lit(0)), '+', s.lit(1)).as('version'),
          s.val(message.text).as('text'),
          s.val(at).as('replaced_at'),
          s.val(eventId).as('event_id'),
        ])
        .where('message_id', '=', message.id),
    )
    .returning('version')
    .executeTakeFirstOrThrow()
  await trx.updateTable('messages').set({ text, edited_at: at }).where('id', '=', message.id).execute()
  return version
}

/** Turns a message into a tombstone: deletes its content, edits and reactions, and keeps its seq and times. */
export async function eraseContent(trx: Executor, messageId: string, at: Date): Promise<void> {
  await trx.deleteFrom('message_edits').where('message_id', '=', messageId).execute()
  await trx.deleteFrom('reactions').where('message_id', '=', messageId).execute()
  await trx
    .updateTable('messages')
    .set({ ...emptyContent, deleted_at: at })
    .where('id', '=', messageId)
    .execute()
}
