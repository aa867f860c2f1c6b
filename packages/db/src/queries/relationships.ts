import { type Expression, expressionBuilder, sql } from 'kysely'
import { findsOne } from '../dialect/expressions.ts'
import type { Schema } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'

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

/** The relationship of two different users, from up to three primary key lookups. Also used inside other queries. */
export function relationshipOf({ userId, otherId }: Pair<Id>) {
  const eb = expressionBuilder<Schema>()
  const hasBlocked = (by: Id, of: Id) =>
    findsOne(eb.selectFrom('blocks').where('blocks.user_id', '=', by).where('blocks.blocked_id', '=', of))
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
