import { type IdList, idList, inList } from '../dialect/expressions.ts'
import type { MessageTable } from '../message-table.ts'
import type {
  ConversationTable,
  MessageEditTable,
  ParticipantTable,
  ReactionTable,
  ReceiptTable,
} from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import type { BlockRow } from './blocks.ts'
import type { ContactRow } from './contacts.ts'
import { nameAtEnd } from './participants.ts'
import { userColumns } from './users.ts'

/* All data about one user. Each list reads an index range and can be continued from a position. */

const contactsAfter = statement((db, p: { userId: string; after: string; limit: number }) =>
  db
    .selectFrom('contacts')
    .innerJoin('users', 'users.id', 'contacts.contact_id')
    .select(userColumns)
    .select(['contacts.state', 'contacts.changed_at'])
    .where('contacts.user_id', '=', p.userId)
    .where('contacts.contact_id', '>', p.after)
    .orderBy('contacts.contact_id')
    .limit(p.limit),
)

/** A user's contacts in every state, by the other user's id. */
export async function listContacts(
  db: Executor,
  userId: string,
  after: string,
  limit: number,
): Promise<ContactRow[]> {
  return contactsAfter(db, { userId, after, limit })
}

const blocksAfter = statement((db, p: { userId: string; after: string; limit: number }) =>
  db
    .selectFrom('blocks')
    .innerJoin('users', 'users.id', 'blocks.blocked_id')
    .select(userColumns)
    .select('blocks.created_at as blocked_at')
    .where('blocks.user_id', '=', p.userId)
    .where('blocks.blocked_id', '>', p.after)
    .orderBy('blocks.blocked_id')
    .limit(p.limit),
)

/** The users whom a user has blocked, by id. */
export async function listBlocks(
  db: Executor,
  userId: string,
  after: string,
  limit: number,
): Promise<BlockRow[]> {
  return blocksAfter(db, { userId, after, limit })
}

/** A position in a user's stays. */
export interface StayPosition {
  conversationId: string
  firstEventId: number
}

export type ExportedStay = Pick<
  ParticipantTable,
  | 'conversation_id'
  | 'first_event_id'
  | 'role'
  | 'after_seq'
  | 'until_seq'
  | 'read_seq'
  | 'joined_at'
  | 'left_at'
> &
  Pick<ConversationTable, 'kind' | 'name' | 'direct_key'>

const staysFrom = statement((db, p: StayPosition & { userId: string; limit: number }) =>
  db
    .selectFrom('participants')
    .innerJoin('conversations', 'conversations.id', 'participants.conversation_id')
    .select([
      'participants.conversation_id',
      'participants.first_event_id',
      'participants.role',
      'participants.after_seq',
      'participants.until_seq',
      'participants.read_seq',
      'participants.joined_at',
      'participants.left_at',
      'conversations.kind',
      'conversations.direct_key',
    ])
    .select((eb) => eb.fn.coalesce(nameAtEnd(eb), 'conversations.name').as('name'))
    .where('participants.user_id', '=', p.userId)
    .where((eb) =>
      eb(
        eb.refTuple('participants.conversation_id', 'participants.first_event_id'),
        '>=',
        eb.tuple(p.conversationId, p.firstEventId),
      ),
    )
    .orderBy('participants.conversation_id')
    .orderBy('participants.first_event_id')
    .limit(p.limit),
)

/** All stays of a user, from a position on. `name` is the name of the group when the stay ended. */
export async function listStays(
  db: Executor,
  userId: string,
  from: StayPosition,
  limit: number,
): Promise<ExportedStay[]> {
  return staysFrom(db, { ...from, userId, limit })
}

/** A position in the earlier versions of a user's messages: the message by time and id, and the version. */
export interface EditPosition {
  at: Date
  id: string
  version: number
}

const sentFrom = statement((db, p: EditPosition & { userId: string; limit: number }) =>
  db
    .selectFrom('messages')
    .select(['id', 'created_at', 'edited_at'])
    .where('sender_id', '=', p.userId)
    .where((eb) => eb(eb.refTuple('created_at', 'id'), '>=', eb.tuple(p.at, p.id)))
    .orderBy('created_at')
    .orderBy('id')
    .limit(p.limit),
)

const editsOf = statement((db, p: EditPosition & { ids: IdList; limit: number }) =>
  db
    .selectFrom('messages')
    .innerJoin('message_edits', 'message_edits.message_id', 'messages.id')
    .select([
      'messages.created_at',
      'message_edits.message_id',
      'message_edits.version',
      'message_edits.text',
      'message_edits.replaced_at',
    ])
    .where((eb) => inList(db, eb, 'messages.id', p.ids))
    .where((eb) => eb.or([eb('messages.id', '<>', p.id), eb('message_edits.version', '>', p.version)]))
    .orderBy('messages.created_at')
    .orderBy('messages.id')
    .orderBy('message_edits.version')
    .limit(p.limit),
)

export type ExportedEdit = Pick<
  MessageEditTable & MessageTable,
  'message_id' | 'version' | 'text' | 'replaced_at' | 'created_at'
>

/** The number of messages read at once, most of which have never been edited. */
const SENT_PAGE = 500

/**
 * The earlier versions of messages that a user has sent, oldest message first.
 *
 * @returns them, and the position to continue from if `limit` was not reached but there are more messages.
 */
export async function listEdits(
  db: Executor,
  userId: string,
  after: EditPosition,
  limit: number,
): Promise<{ rows: ExportedEdit[]; next: EditPosition | undefined }> {
  const sent = await sentFrom(db, { ...after, userId, limit: SENT_PAGE })
  const ids = sent.filter((message) => message.edited_at !== null).map((message) => message.id)
  const rows = ids.length === 0 ? [] : await editsOf(db, { ...after, ids: idList(db, ids), limit })
  const last = sent.at(-1)
  const isMore = last && sent.length === SENT_PAGE && rows.length < limit
  return {
    rows,
    next: isMore ? { at: last.created_at, id: last.id, version: Number.MAX_SAFE_INTEGER } : undefined,
  }
}

const reactionsAfter = statement(
  (db, p: { userId: string; messageId: string; emoji: string; limit: number }) =>
    db
      .selectFrom('reactions')
      .select(['message_id', 'emoji', 'created_at'])
      .where('user_id', '=', p.userId)
      .where((eb) => eb(eb.refTuple('message_id', 'emoji'), '>', eb.tuple(p.messageId, p.emoji)))
      .orderBy('message_id')
      .orderBy('emoji')
      .limit(p.limit),
)

export type ExportedReaction = Pick<ReactionTable, 'message_id' | 'emoji' | 'created_at'>

/** A user's reactions, by message. */
export async function listReactions(
  db: Executor,
  userId: string,
  after: { messageId: string; emoji: string },
  limit: number,
): Promise<ExportedReaction[]> {
  return reactionsAfter(db, { userId, ...after, limit })
}

interface ReceiptRange {
  userId: string
  conversationId: string
  /** The position to continue after: kind and seq. */
  kind: ReceiptTable['kind']
  seq: number
  /** above < seq <= upTo */
  above: number
  upTo: number
}

const receiptsAfter = statement((db, p: ReceiptRange & { limit: number }) =>
  db
    .selectFrom('receipts')
    .select(['kind', 'seq', 'receipt_at'])
    .where('conversation_id', '=', p.conversationId)
    .where('user_id', '=', p.userId)
    .where((eb) => eb(eb.refTuple('kind', 'seq'), '>', eb.tuple(p.kind, p.seq)))
    .where('seq', '>', p.above)
    .where('seq', '<=', p.upTo)
    .orderBy('kind')
    .orderBy('seq')
    .limit(p.limit),
)

export type ExportedReceipt = Pick<ReceiptTable, 'kind' | 'seq' | 'receipt_at'>

/** A user's receipts in one stay. */
export async function listReceipts(
  db: Executor,
  range: ReceiptRange,
  limit: number,
): Promise<ExportedReceipt[]> {
  return receiptsAfter(db, { ...range, limit })
}
