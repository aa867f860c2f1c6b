import { findsOne, givenRows } from '../dialect/expressions.ts'
import type { BlockTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import type { TimePosition } from './inbox.ts'
import { type UserRow, userColumns } from './users.ts'

/** A blocked user and when they were blocked. */
export type BlockRow = UserRow & { blocked_at: BlockTable['created_at'] }

const page = statement((db, p: { userId: string; beforeAt: Date; beforeId: string; limit: number }) =>
  db
    .selectFrom('blocks')
    .innerJoin('users', 'users.id', 'blocks.blocked_id')
    .select(userColumns)
    .select('blocks.created_at as blocked_at')
    .where('blocks.user_id', '=', p.userId)
    .where((eb) =>
      eb(eb.refTuple('blocks.created_at', 'blocks.blocked_id'), '<', eb.tuple(p.beforeAt, p.beforeId)),
    )
    .orderBy('blocks.created_at', 'desc')
    .orderBy('blocks.blocked_id', 'desc')
    .limit(p.limit),
)

/** The users whom a user has blocked, newest first. */
export async function list(
  db: Executor,
  userId: string,
  before: TimePosition,
  limit: number,
): Promise<BlockRow[]> {
  return page(db, { userId, beforeAt: before.at, beforeId: before.id, limit })
}

const ofUser = statement((db, p: { userId: string }) =>
  db
    .selectFrom('blocks')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('user_id', '=', p.userId),
)

/** The number of users whom a user has blocked. */
export async function count(db: Executor, userId: string): Promise<number> {
  const [row] = await ofUser(db, { userId })
  return row?.count ?? 0
}

/** Blocks a user. Does nothing if already blocked. */
export async function insert(trx: Executor, userId: string, blockedId: string, at: Date): Promise<void> {
  await trx
    .insertInto('blocks')
    .values({ user_id: userId, blocked_id: blockedId, created_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function remove(trx: Executor, userId: string, blockedId: string): Promise<void> {
  await trx.deleteFrom('blocks').where('user_id', '=', userId).where('blocked_id', '=', blockedId).execute()
}

const between = statement((db, p: { userId: string; others: string }) =>
  db
    .selectFrom(givenRows(db, p.others, { id: 'uuid' }))
    .select((eb) => [
      'given.id',
      eb
        .selectFrom('blocks')
        .select('created_at')
        .where('user_id', '=', p.userId)
        .whereRef('blocked_id', '=', 'given.id')
        .as('blocked_at'),
      eb
        .selectFrom('blocks')
        .select('created_at')
        .whereRef('user_id', '=', 'given.id')
        .where('blocked_id', '=', p.userId)
        .as('blocked_by_at'),
    ]),
)

const blockedPairs = statement((db, p: { pairs: string }) =>
  db
    .selectFrom(givenRows(db, p.pairs, { user_id: 'uuid', other_id: 'uuid' }))
    .select(['given.user_id', 'given.other_id'])
    .where((eb) => {
      const blocked = (by: 'user_id' | 'other_id', whom: 'user_id' | 'other_id') =>
        findsOne(
          eb
            .selectFrom('blocks')
            .whereRef('blocks.user_id', '=', `given.${by}`)
            .whereRef('blocks.blocked_id', '=', `given.${whom}`),
        )
      return eb.or([blocked('user_id', 'other_id'), blocked('other_id', 'user_id')])
    }),
)

/** Those of these pairs of users of whom one has blocked the other. */
export async function findBlockedPairs(
  db: Executor,
  pairs: readonly { userId: string; otherId: string }[],
): Promise<{ user_id: string; other_id: string }[]> {
  if (pairs.length === 0) return []
  return blockedPairs(db, {
    pairs: JSON.stringify(pairs.map(({ userId, otherId }) => ({ user_id: userId, other_id: otherId }))),
  })
}

/** The others who have blocked the user or whom the user has blocked, and since when. */
export async function findBetween(
  db: Executor,
  userId: string,
  otherIds: readonly string[],
): Promise<ReadonlyMap<string, Date>> {
  if (otherIds.length === 0) return new Map()
  const rows = await between(db, { userId, others: JSON.stringify(otherIds.map((id) => ({ id }))) })
  const since = new Map<string, Date>()
  for (const { id, blocked_at: blocked, blocked_by_at: blockedBy } of rows) {
    // If both have blocked each other, the earlier time counts.
    const at = blocked && blockedBy && blockedBy < blocked ? blockedBy : (blocked ?? blockedBy)
    if (at) since.set(id, at)
  }
  return since
}
