import type { ConversationTable, ParticipantTable, ReactionTable, ReceiptTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import type { BlockRow } from './blocks.ts'
import type { ContactRow } from './contacts.ts'
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
    .select((eb) =>
      eb.fn
        .coalesce(
          // The first name that was replaced after the stay.
          eb
            .selectFrom('conversation_names as names')
            .select('names.name')
            .whereRef('names.conversation_id', '=', 'participants.conversation_id')
            .whereRef('names.event_id', '>', 'participants.last_event_id')
            .orderBy('names.event_id')
            .limit(1),
          'conversations.name',
        )
        .as('name'),
    )
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
