import { isPostgres } from '../dialect/column-types.ts'
import { type IdList, idList, inList } from '../dialect/expressions.ts'
import type { UserTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { findByRef } from './users.ts'

function selectCredentials(db: Executor) {
  return db.selectFrom('users').leftJoin('second_factors', 'second_factors.user_id', 'users.id').select([
    'users.id',
    'users.username',
    'users.external_id',
    'users.password_hash',
    'users.role',
    'users.disabled_at',
    // When two-factor authentication was enabled.
    'second_factors.confirmed_at',
  ])
}

const credentialsById = statement((db, p: { id: string }) =>
  selectCredentials(db).where('users.id', '=', p.id),
)
const credentialsByUsername = statement((db, p: { username: string }) =>
  selectCredentials(db).where('users.username', '=', p.username),
)
const credentialsByExternalId = statement((db, p: { externalId: string }) =>
  selectCredentials(db).where('users.external_id', '=', p.externalId).where('users.erased_at', 'is', null),
)

export interface CredentialsRow {
  id: string
  username: string
  external_id: string | null
  /** Null if the user has no password. */
  password_hash: string | null
  role: UserTable['role']
  disabled_at: Date | null
  /** When two-factor authentication was enabled. Null if it is not. */
  confirmed_at: Date | null
}

/** The credentials of a user by reference, even if disabled. Undefined if the user does not exist. */
export async function find(db: Executor, ref: string): Promise<CredentialsRow | undefined> {
  return findByRef(db, ref, {
    byId: credentialsById,
    byUsername: credentialsByUsername,
    byExternalId: credentialsByExternalId,
  })
}

/**
 * Whether a user who was checked against this hash can still sign in. Locks the row until the transaction ends, so that
 * a session created in it cannot outlive a concurrent password change.
 */
export async function holdPasswordHash(trx: Executor, userId: string, hash: string): Promise<boolean> {
  const held = await trx
    .selectFrom('users')
    .select('id')
    .where('id', '=', userId)
    .where('password_hash', '=', hash)
    .where('disabled_at', 'is', null)
    // SQLite has a single writer.
    .$if(isPostgres(trx), (query) => query.forShare())
    .executeTakeFirst()
  return held !== undefined
}

export type HeldAccountRow = Pick<UserTable, 'role' | 'password_hash' | 'disabled_at'>

/**
 * Locks the row of a user, even if disabled, until the transaction ends. Changes to an account's credentials and
 * sessions are serialized by it. Undefined if the user was erased.
 */
export async function hold(trx: Executor, userId: string): Promise<HeldAccountRow | undefined> {
  return (
    trx
      .selectFrom('users')
      .select(['role', 'password_hash', 'disabled_at'])
      .where('id', '=', userId)
      .where('erased_at', 'is', null)
      // SQLite has a single writer. On PostgreSQL, messages of the user are not blocked.
      .$if(isPostgres(trx), (query) => query.forNoKeyUpdate())
      .executeTakeFirst()
  )
}

const passwordHashById = statement((db, p: { id: string }) =>
  db.selectFrom('users').select('password_hash').where('id', '=', p.id),
)

/** The password hash of a user, even if disabled. Null if the user has no password. */
export async function findPasswordHash(db: Executor, userId: string): Promise<string | null> {
  const [row] = await passwordHashById(db, { id: userId })
  return row?.password_hash ?? null
}

export async function updatePasswordHash(
  db: Executor,
  id: string,
  passwordHash: string,
  at: Date,
): Promise<void> {
  await db
    .updateTable('users')
    .set({ password_hash: passwordHash, updated_at: at })
    .where('id', '=', id)
    .execute()
}

/**
 * Replaces a hash with another one of the same password. @returns false if the password has changed in the meantime.
 */
export async function replacePasswordHash(
  db: Executor,
  id: string,
  { from, to }: { from: string; to: string },
): Promise<boolean> {
  const replaced = await db
    .updateTable('users')
    .set({ password_hash: to })
    .where('id', '=', id)
    .where('password_hash', '=', from)
    .returning('id')
    .executeTakeFirst()
  return replaced !== undefined
}

const currentCredentials = statement((db, p: { ids: IdList }) =>
  db
    .selectFrom('users')
    .leftJoin('second_factors', 'second_factors.user_id', 'users.id')
    .select(['users.id', 'users.external_id', 'users.password_hash', 'second_factors.confirmed_at'])
    .where((eb) => inList(db, eb, 'users.id', p.ids))
    .where('users.disabled_at', 'is', null),
)

export interface CurrentCredentials {
  /** Null if a password is not sufficient to sign in. */
  passwordHash: string | null
  externalId: string | null
}

/** What the enabled users among these can authenticate with, by id. */
export async function findCurrent(
  db: Executor,
  userIds: readonly string[],
): Promise<Map<string, CurrentCredentials>> {
  if (userIds.length === 0) return new Map()
  const rows = await currentCredentials(db, { ids: idList(db, userIds) })
  return new Map(
    rows.map((row) => [
      row.id,
      { passwordHash: row.confirmed_at ? null : row.password_hash, externalId: row.external_id },
    ]),
  )
}
