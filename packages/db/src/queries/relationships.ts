import { setImmediate } from 'node:timers/promises'
import { type Expression, expressionBuilder, sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
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
            .selectFrom('participants as theirs')
            .select('theirs.conversation_id')
            .whereRef('theirs.user_id', '=', 'given.id')
            .where('theirs.left_at', 'is', null)
            // Only groups.
            .where('theirs.active_at', 'is', null)
            // A join could start with the groups of the user, for each of the others.
            .where((group) =>
              findsOne(
                group
                  .selectFrom('participants as mine')
                  .whereRef('mine.conversation_id', '=', 'theirs.conversation_id')
                  .where('mine.user_id', '=', p.userId)
                  .where('mine.left_at', 'is', null),
              ),
            ),
        ),
      ]),
    )
    .where((eb) => eb.not(hasBlocked(p.userId, eb.ref('given.id'))))
    .where((eb) => eb.not(hasBlocked(eb.ref('given.id'), p.userId))),
)

/**
 * The number of other users whose groups are compared in one iteration of the event loop on SQLite: a user can be in
 * thousands of groups.
 */
const OTHERS_PER_TURN = 10

/**
 * Those among other users who may see a user's presence: they share a conversation with the user, and neither has
 * blocked the other.
 */
export async function findPresenceViewers(
  db: Executor,
  userId: string,
  otherIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const others = [...new Set(otherIds)].map((id) => ({ id, key: directKey(userId, id) }))
  const found = new Set<string>()
  const count = isPostgres(db) ? others.length : OTHERS_PER_TURN
  for (let from = 0; from < others.length; from += count) {
    if (from > 0) await setImmediate()
    const part = JSON.stringify(others.slice(from, from + count))
    for (const { id } of await viewers(db, { userId, others: part })) found.add(id)
  }
  return found
}
