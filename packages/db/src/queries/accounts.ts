import { sql } from 'kysely'
import { isPostgres } from '../dialect/column-types.ts'
import { type IdList, idList, inList } from '../dialect/expressions.ts'
import type { UserTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'
import { findByRef, type UserRow, userColumns } from './users.ts'

function selectAccount(db: Executor) {
  return db
    .selectFrom('users')
    .leftJoin('second_factors', 'second_factors.user_id', 'users.id')
    .select(userColumns)
    .select([
      'users.role',
      'users.disabled_at',
      'second_factors.confirmed_at',
      'second_factors.last_wrong_code_at',
    ])
    .where('users.erased_at', 'is', null)
}

const accountById = statement((db, p: { id: string }) => selectAccount(db).where('users.id', '=', p.id))
const accountByUsername = statement((db, p: { username: string }) =>
  selectAccount(db).where('users.username', '=', p.username),
)
const accountByExternalId = statement((db, p: { externalId: string }) =>
  selectAccount(db).where('users.external_id', '=', p.externalId),
)

const accountsByIds = statement((db, p: { ids: IdList }) =>
  selectAccount(db).where((eb) => inList(db, eb, 'users.id', p.ids)),
)

export type AccountRow = UserRow &
  Pick<UserTable, 'role' | 'disabled_at'> & {
    confirmed_at: Date | null
    last_wrong_code_at: Date | null
  }

/** A user with the fields that only the user and admins see, by reference. Includes disabled users. */
export async function find(db: Executor, ref: string): Promise<AccountRow | undefined> {
  return findByRef(db, ref, {
    byId: accountById,
    byUsername: accountByUsername,
    byExternalId: accountByExternalId,
  })
}

/** Several users as in `find`, in any order. */
export async function findMany(db: Executor, ids: readonly string[]): Promise<AccountRow[]> {
  return ids.length === 0 ? [] : accountsByIds(db, { ids: idList(db, ids) })
}

/** Locks the enabled admins until the transaction ends, always in the same order. @returns their ids. */
export async function holdAdmins(trx: Executor): Promise<string[]> {
  const rows = await trx
    .selectFrom('users')
    .select('id')
    // A literal, so that the partial index matches.
    .where('role', '=', sql.lit('admin'))
    .where('disabled_at', 'is', null)
    .orderBy('id')
    .$if(isPostgres(trx), (query) => query.forNoKeyUpdate())
    .execute()
  return rows.map((row) => row.id)
}

/** @returns false if the user already had this role. */
export async function updateRole(db: Executor, userId: string, role: UserTable['role']): Promise<boolean> {
  const updated = await db
    .updateTable('users')
    .set({ role })
    .where('id', '=', userId)
    .where('role', '<>', role)
    .returning('id')
    .executeTakeFirst()
  return updated !== undefined
}

/** Disables a user as of `at`, or enables them with null. @returns false if nothing changed. */
export async function updateDisabledAt(db: Executor, userId: string, at: Date | null): Promise<boolean> {
  const updated = await db
    .updateTable('users')
    .set({ disabled_at: at })
    .where('id', '=', userId)
    .where('disabled_at', at === null ? 'is not' : 'is', null)
    .returning('id')
    .executeTakeFirst()
  return updated !== undefined
}
