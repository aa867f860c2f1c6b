import { type IdList, idList, inList } from '../dialect/expressions.ts'
import type { UserTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import type { TimePosition } from './inbox.ts'
import { isUuid, type UserRow, userColumns } from './users.ts'

function selectSession(db: Executor) {
  return db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(userColumns)
    .select(['sessions.id as session_id', 'sessions.expires_at', 'sessions.last_used_at', 'users.role'])
    .where('users.disabled_at', 'is', null)
}

const sessionByToken = statement((db, p: { tokenHash: string }) =>
  selectSession(db).where('sessions.token_hash', '=', p.tokenHash),
)
const sessionsByIds = statement((db, p: { ids: IdList }) =>
  selectSession(db).where((eb) => inList(db, eb, 'sessions.id', p.ids)),
)

export type SessionUserRow = UserRow & {
  session_id: string
  expires_at: Date
  last_used_at: Date
  role: UserTable['role']
}

/** A session with its user. Undefined if the user is disabled. */
export async function find(db: Executor, tokenHash: string): Promise<SessionUserRow | undefined> {
  const [row] = await sessionByToken(db, { tokenHash })
  return row
}

/** Several sessions by id, as in `find`, in any order. */
export async function findMany(db: Executor, ids: readonly string[]): Promise<SessionUserRow[]> {
  return ids.length === 0 ? [] : sessionsByIds(db, { ids: idList(db, ids) })
}

/** Whether a session has not been ended. */
export async function exists(db: Executor, id: string): Promise<boolean> {
  const row = await db.selectFrom('sessions').select('id').where('id', '=', id).executeTakeFirst()
  return row !== undefined
}

export interface NewSession {
  id: string
  userId: string
  tokenHash: string
  userAgent: string | null
  createdAt: Date
  expiresAt: Date
}

export async function insert(db: Executor, session: NewSession): Promise<void> {
  await db
    .insertInto('sessions')
    .values({
      id: session.id,
      user_id: session.userId,
      token_hash: session.tokenHash,
      user_agent: session.userAgent,
      created_at: session.createdAt,
      last_used_at: session.createdAt,
      expires_at: session.expiresAt,
    })
    .execute()
}

export interface SessionRow {
  id: string
  user_agent: string | null
  created_at: Date
  last_used_at: Date
  expires_at: Date
}

const sessionPage = statement(
  (db, p: { userId: string; now: Date; beforeAt: Date; beforeId: string; limit: number }) =>
    db
      .selectFrom('sessions')
      .select(['id', 'user_agent', 'created_at', 'last_used_at', 'expires_at'])
      .where('user_id', '=', p.userId)
      .where('expires_at', '>', p.now)
      .where((eb) => eb(eb.refTuple('created_at', 'id'), '<', eb.tuple(p.beforeAt, p.beforeId)))
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(p.limit),
)

/** The sessions of a user that have not expired, newest first. */
export async function list(
  db: Executor,
  userId: string,
  now: Date,
  before: TimePosition,
  limit: number,
): Promise<SessionRow[]> {
  return sessionPage(db, { userId, now, beforeAt: before.at, beforeId: before.id, limit })
}

export async function remove(db: Executor, id: string): Promise<void> {
  await db.deleteFrom('sessions').where('id', '=', id).execute()
}

/** @returns false if the user has no such session. */
export async function removeOf(db: Executor, userId: string, id: string): Promise<boolean> {
  if (!isUuid(id)) return false
  const deleted = await db
    .deleteFrom('sessions')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .returning('id')
    .executeTakeFirst()
  return deleted !== undefined
}

/** Ends all sessions of a user, except the given one. */
export async function removeAllOf(db: Executor, userId: string, exceptId?: string): Promise<void> {
  await db
    .deleteFrom('sessions')
    .where('user_id', '=', userId)
    .$if(exceptId !== undefined, (query) => query.where('id', '<>', exceptId ?? ''))
    .execute()
}

/** Ends a user's oldest sessions so that at most `left` remain. @returns whether any were ended. */
export async function removeOldestOf(db: Executor, userId: string, left: number): Promise<boolean> {
  const ended = await db
    .deleteFrom('sessions')
    .where('user_id', '=', userId)
    .where('id', 'not in', (eb) =>
      eb
        .selectFrom('sessions')
        .select('id')
        .where('user_id', '=', userId)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(left),
    )
    .returning('id')
    .execute()
  return ended.length > 0
}

/** Deletes a user's expired sessions. */
export async function removeExpiredOf(db: Executor, userId: string, now: Date): Promise<void> {
  await db.deleteFrom('sessions').where('user_id', '=', userId).where('expires_at', '<=', now).execute()
}

/** A use of a credential, and which stored times of earlier uses it replaces. */
export interface Use {
  at: Date
  /** Times after this are recent enough to be kept, for example from another server. */
  unlessAfter: Date
  /** Times after this are from a clock that was ahead, and are replaced. */
  latest: Date
}

const setLastUsed = statement((db, p: { ids: IdList } & Use) =>
  db
    .updateTable('sessions')
    .set({ last_used_at: p.at })
    .where((eb) => inList(db, eb, 'sessions.id', p.ids))
    .where((eb) => eb.or([eb('last_used_at', '<=', p.unlessAfter), eb('last_used_at', '>', p.latest)])),
)

/** Records that these sessions were used, unless a use after `unlessAfter` is recorded already. */
export async function markUsed(db: Executor, ids: readonly string[], use: Use): Promise<void> {
  await setLastUsed(db, { ids: idList(db, ids), ...use })
}

const liveSessions = statement((db, p: { ids: IdList; now: Date }) =>
  db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select('sessions.id')
    .where((eb) => inList(db, eb, 'sessions.id', p.ids))
    .where('sessions.expires_at', '>', p.now)
    .where('users.disabled_at', 'is', null),
)

/** The ids of the sessions among these that have not ended, and whose users are not disabled. */
export async function findLive(db: Executor, ids: readonly string[], now: Date): Promise<string[]> {
  if (ids.length === 0) return []
  return (await liveSessions(db, { ids: idList(db, ids), now })).map((row) => row.id)
}
