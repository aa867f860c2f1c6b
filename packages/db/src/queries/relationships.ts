import { type Expression, expressionBuilder, sql } from 'kysely'
import { findsOne, givenRows } from '../dialect/expressions.ts'
import type { Schema } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { directKey } from './conversations.ts'

/**
 * The relationship of a user to another: `blocking` if the user has blocked the other, `blocked` if it is the other way
 * around, or else whether they are contacts. If both have blocked each other, each is `blocking`.
 */
export type Relationship = 'self' | 'blocking' | 'blocked' | 'contacts' | 'strangers'

type Id = string | Expression<string>

interface Pair<Value extends Id = string> {
  userId: Value
  otherId: Value
}

function hasBlocked(by: Id, of: Id) {
  const eb = expressionBuilder<Schema>()
  return findsOne(
    eb.selectFrom('blocks').where('blocks.user_id', '=', by).where('blocks.blocked_id', '=', of),
  )
}

/** The relationship of two different users, from up to three primary key lookups. Also used inside other queries. */
export function relationshipOf({ userId, otherId }: Pair<Id>) {
  const eb = expressionBuilder<Schema>()
  const areContacts = findsOne(
    eb
      .selectFrom('contacts')
      .where('contacts.user_id', '=', userId)
      .where('contacts.contact_id', '=', otherId)
      .where('contacts.state', '=', sql.lit('accepted')),
  )
  return eb
    .case()
    .when(hasBlocked(userId, otherId))
    .then(sql.lit<Relationship>('blocking'))
    .when(hasBlocked(otherId, userId))
    .then(sql.lit<Relationship>('blocked'))
    .when(areContacts)
    .then(sql.lit<Relationship>('contacts'))
    .else(sql.lit<Relationship>('strangers'))
    .end()
    .as('relationship')
}

const ofPair = statement((db, p: Pair) => db.selectNoFrom(relationshipOf(p)))

/**
 * The relationship of a user to another. Under the lock of their `directKey`, it cannot change until the transaction
 * ends.
 */
export async function find(db: Executor, userId: string, otherId: string): Promise<Relationship> {
  if (userId === otherId) return 'self'
  const [row] = await ofPair(db, { userId, otherId })
  if (!row) throw new Error('a select without a table returned no row')
  return row.relationship
}

const viewers = statement((db, p: { userId: string; others: string }) =>
  db
    .selectFrom(givenRows(db, p.others, { id: 'uuid', key: 'text' }))
    .select('given.id')
    .where((eb) =>
      eb.or([
        findsOne(
          eb.selectFrom('conversations').whereRef('conversations.direct_key', '=', 'given.key').select('id'),
        ),
        findsOne(
          eb
            .selectFrom('participants as mine')
            .innerJoin('participants as theirs', (join) =>
              join
                .onRef('theirs.conversation_id', '=', 'mine.conversation_id')
                .onRef('theirs.user_id', '=', 'given.id')
                .on('theirs.left_at', 'is', null),
            )
            .select('mine.conversation_id')
            .where('mine.user_id', '=', p.userId)
            .where('mine.left_at', 'is', null)
            // Only groups.
            .where('mine.active_at', 'is', null),
        ),
      ]),
    )
    .where((eb) => eb.not(hasBlocked(p.userId, eb.ref('given.id'))))
    .where((eb) => eb.not(hasBlocked(eb.ref('given.id'), p.userId))),
)

/**
 * Those among other users who may see a user's presence: they share a conversation with the user, and neither has
 * blocked the other.
 */
export async function findPresenceViewers(
  db: Executor,
  userId: string,
  otherIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (otherIds.length === 0) return new Set()
  const others = [...new Set(otherIds)].map((id) => ({ id, key: directKey(userId, id) }))
  const rows = await viewers(db, { userId, others: JSON.stringify(others) })
  return new Set(rows.map((row) => row.id))
}
