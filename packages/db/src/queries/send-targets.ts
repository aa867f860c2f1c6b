import type { AliasedRawBuilder } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { findsOne, type Given, givenRow, givenRows } from '../dialect/expressions.ts'
import { type Executor, statement } from '../statement.ts'
import { type Relationship, relationshipOf } from './relationships.ts'

/** Where to send a message. */
export interface SendTarget {
  /** The key of a direct conversation, which may not exist yet. Null for a group. */
  directKey: string | null
  /** The id of a group. Ignored for a direct conversation, whose id is looked up. */
  conversationId: string | null
  senderId: string
  recipientId: string | null
  clientMessageId: string | null
}

/** The data that a send needs about its target. Accurate while the conversation lock is held. */
export interface FoundTarget {
  /** Null before the first direct message of two users. */
  conversation: { id: string; updated_at: Date } | null
  /** Whether the sender is a current participant. */
  isParticipant: boolean
  /** The relationship of the sender to the recipient of a direct message. */
  relationship: Relationship
  /** The message created by an earlier send with this clientMessageId. */
  earlier: { id: string; contentHash: string | null } | null
}

const columns = {
  place: 'bigint',
  direct_key: 'text',
  group_id: 'uuid',
  sender_id: 'uuid',
  recipient_id: 'uuid',
  client_message_id: 'text',
} as const

/*
 * Each lookup is a subquery for one row by a unique index, rather than a join: PostgreSQL keeps the plan it made while
 * a table was small, and for a join that plan starts with a scan of the whole table.
 */
function selectTargets(db: Executor, given: AliasedRawBuilder<Given<typeof columns>, 'given'>) {
  return db
    .with(
      (cte) => cte('target').materialized(),
      () =>
        db
          .selectFrom(given)
          .selectAll('given')
          .select((eb) =>
            eb.fn
              .coalesce(
                'given.group_id',
                eb
                  .selectFrom('conversations')
                  .select('conversations.id')
                  .whereRef('conversations.direct_key', '=', 'given.direct_key'),
              )
              .as('conversation_id'),
          ),
    )
    .selectFrom('target')
    .select((eb) => {
      const earlier = eb
        .selectFrom('messages')
        .whereRef('messages.conversation_id', '=', 'target.conversation_id')
        .whereRef('messages.sender_id', '=', 'target.sender_id')
        .whereRef('messages.client_message_id', '=', 'target.client_message_id')
      return [
        'target.place',
        'target.conversation_id',
        eb
          .selectFrom('conversations')
          .select('conversations.updated_at')
          .whereRef('conversations.id', '=', 'target.conversation_id')
          .as('updated_at'),
        findsOne(
          eb
            .selectFrom('participants')
            .whereRef('participants.conversation_id', '=', 'target.conversation_id')
            .whereRef('participants.user_id', '=', 'target.sender_id')
            .where('participants.left_at', 'is', null),
        ).as('is_participant'),
        earlier.select('messages.id').as('earlier_id'),
        earlier.select('messages.content_hash').as('earlier_hash'),
        relationshipOf({ userId: eb.ref('target.sender_id'), otherId: eb.ref('target.recipient_id') }),
      ]
    })
}

type Row = { [Name in keyof typeof columns]: unknown }

const findMany = statement((db, p: { targets: string }) =>
  selectTargets(db, givenRows(db, p.targets, columns)),
)
const findOne = statement((db, p: Row) => selectTargets(db, givenRow(p, columns)))

/** Looks up send targets. The results are in the order of the targets. */
export async function find(db: Executor, targets: readonly SendTarget[]): Promise<FoundTarget[]> {
  const given: Row[] = targets.map((target, place) => ({
    place,
    direct_key: target.directKey,
    group_id: target.directKey === null ? target.conversationId : null,
    sender_id: target.senderId,
    recipient_id: target.recipientId,
    client_message_id: target.clientMessageId,
  }))
  // One round trip for all targets on PostgreSQL. SQLite has no round trips to save.
  const rows = isPostgres(db)
    ? await findMany(db, { targets: JSON.stringify(given) })
    : (await Promise.all(given.map((row) => findOne(db, row)))).flat()
  const byPlace = new Map(rows.map((row) => [row.place, row]))
  return targets.map(({ senderId, recipientId }, place) => {
    const row = byPlace.get(place)
    if (!row) throw new Error('a target has no row')
    return {
      conversation:
        row.conversation_id === null || row.updated_at === null
          ? null
          : { id: row.conversation_id, updated_at: row.updated_at },
      isParticipant: Boolean(row.is_participant),
      relationship: senderId === recipientId ? 'self' : row.relationship,
      earlier: row.earlier_id === null ? null : { id: row.earlier_id, contentHash: row.earlier_hash },
    }
  })
}
