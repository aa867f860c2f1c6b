import { expressionBuilder, sql } from 'kysely'
import type { Schema } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { type ConversationRow, conversationColumns, directKey } from './conversations.ts'

/**
 * How a user stands to another: has blocked them, was blocked by them, or neither, and then whether they are
 * contacts. Of two who have blocked each other each is `blocking`.
 */
export type Standing = 'oneself' | 'blocking' | 'blocked' | 'contacts' | 'strangers'

interface Pair {
  userId: string
  otherId: string
}

/** Three looks at primary keys, of which most pairs find nothing. */
function standing({ userId, otherId }: Pair) {
  const eb = expressionBuilder<Schema>()
  const hasBlocked = (by: string, of: string) =>
    eb.exists(
      eb
        .selectFrom('blocks')
        .select('blocks.user_id')
        .where('blocks.user_id', '=', by)
        .where('blocks.blocked_id', '=', of),
    )
  const areContacts = eb.exists(
    eb
      .selectFrom('contacts')
      .select('contacts.user_id')
      .where('contacts.user_id', '=', userId)
      .where('contacts.contact_id', '=', otherId)
      .where('contacts.state', '=', sql.lit('accepted')),
  )
  return eb
    .case()
    .when(hasBlocked(userId, otherId))
    .then(sql.lit<Standing>('blocking'))
    .when(hasBlocked(otherId, userId))
    .then(sql.lit<Standing>('blocked'))
    .when(areContacts)
    .then(sql.lit<Standing>('contacts'))
    .else(sql.lit<Standing>('strangers'))
    .end()
    .as('standing')
}

const ofPair = statement((db, p: Pair) => db.selectNoFrom(standing(p)))

/** How a user stands to another one. Asked under the lock of the pair's `directKey`, it holds until the end. */
export async function findStanding(db: Executor, userId: string, otherId: string): Promise<Standing> {
  if (userId === otherId) return 'oneself'
  const [row] = await ofPair(db, { userId, otherId })
  if (!row) throw new Error('a select without a table has answered nothing')
  return row.standing
}

const directWithStanding = statement((db, p: Pair & { key: string }) =>
  db
    .selectFrom('conversations')
    .select(conversationColumns)
    .select(standing(p))
    .where('direct_key', '=', p.key),
)

/** The direct conversation of two users with how the first stands to the second, in one look-up for each send. */
export async function findDirectWithStanding(
  db: Executor,
  userId: string,
  otherId: string,
): Promise<(ConversationRow & { standing: Standing }) | undefined> {
  const [row] = await directWithStanding(db, { userId, otherId, key: directKey(userId, otherId) })
  return row && userId === otherId ? { ...row, standing: 'oneself' } : row
}
