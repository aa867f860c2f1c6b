import { type IdList, idList, inList } from '../dialect/expressions.ts'
import type { UserTable } from '../schema.ts'
import type { Executor } from '../statement.ts'
import { statement } from '../statement.ts'
import { isUuid, type UserRow, userColumns } from './users.ts'

/* Sessions and passwords: what a user shows. */

const sessionByToken = statement((db, p: { tokenHash: string }) =>
  db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(userColumns)
    .select(['sessions.id as session_id', 'sessions.expires_at', 'users.role'])
    .where('sessions.token_hash', '=', p.tokenHash)
    .where('users.disabled_at', 'is', null),
)

export type SessionRow = UserRow & { session_id: string; expires_at: Date; role: UserTable['role'] }

export async function findSession(db: Executor, tokenHash: string): Promise<SessionRow | undefined> {
  const [row] = await sessionByToken(db, { tokenHash })
  return row
}

export interface NewSession {
  id: string
  userId: string
  tokenHash: string
  createdAt: Date
  expiresAt: Date
}

export async function insertSession(db: Executor, session: NewSession): Promise<void> {
  await db
    .insertInto('sessions')
    .values({
      id: session.id,
      user_id: session.userId,
      token_hash: session.tokenHash,
      created_at: session.createdAt,
      expires_at: session.expiresAt,
    })
    .execute()
}

/** Ends a user's oldest sessions, so that no more are left than this. True when there were more. */
export async function deleteOldestSessionsOf(db: Executor, userId: string, left: number): Promise<boolean> {
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

export async function deleteSession(db: Executor, id: string): Promise<void> {
  await db.deleteFrom('sessions').where('id', '=', id).execute()
}

/** Ends every session of a user, as a changed password asks for. */
export async function deleteSessionsOf(db: Executor, userId: string): Promise<void> {
  await db.deleteFrom('sessions').where('user_id', '=', userId).execute()
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

/** Which of these sessions have not ended, of users who are not disabled. */
export async function findLiveSessions(db: Executor, ids: readonly string[], now: Date): Promise<string[]> {
  if (ids.length === 0) return []
  return (await liveSessions(db, { ids: idList(db, ids), now })).map((row) => row.id)
}

const accountColumns = ['id', 'username', 'role', 'disabled_at'] as const

const accountById = statement((db, p: { id: string }) =>
  db.selectFrom('users').select(accountColumns).where('id', '=', p.id),
)
const accountByUsername = statement((db, p: { username: string }) =>
  db.selectFrom('users').select(accountColumns).where('username', '=', p.username),
)

/** A user as far as it decides what they may do. */
export type Account = Pick<UserTable, (typeof accountColumns)[number]>

/** By id or by username, both lower case; also who is disabled. */
export async function findAccount(db: Executor, ref: string): Promise<Account | undefined> {
  if (ref.includes('\0')) return undefined
  const [row] = isUuid(ref)
    ? await accountById(db, { id: ref })
    : await accountByUsername(db, { username: ref })
  return row
}

const passwordHashes = statement((db, p: { ids: IdList }) =>
  db
    .selectFrom('users')
    .select(['id', 'password_hash'])
    .where((eb) => inList(db, eb, 'users.id', p.ids))
    .where('disabled_at', 'is', null),
)

/** The password hashes of those of these users who may log in, by id. */
export async function findPasswordHashes(
  db: Executor,
  userIds: readonly string[],
): Promise<Map<string, string | null>> {
  if (userIds.length === 0) return new Map()
  const rows = await passwordHashes(db, { ids: idList(db, userIds) })
  return new Map(rows.map((row) => [row.id, row.password_hash]))
}
