import type { SetupTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'

/* The state of the first start of an installation. Concurrent servers and callers lock its single row. */

const ID = 1
const setupColumns = ['token_hash', 'token_expires_at', 'demo_started_at', 'demo_filled_at'] as const

export type SetupRow = Omit<SetupTable, 'id'>

/** Creates the row. @returns false if it exists, which is so after the first start. */
export async function create(trx: Executor): Promise<boolean> {
  const created = await trx
    .insertInto('setup')
    .values({ id: ID })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return created !== undefined
}

/** Reads the row and locks it until the transaction ends. Creates it if missing. */
export async function hold(trx: Executor): Promise<SetupRow> {
  return trx
    .insertInto('setup')
    .values({ id: ID })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ id: ID }))
    .returning(setupColumns)
    .executeTakeFirstOrThrow()
}

const theSetup = statement((db, p: { id: number }) =>
  db.selectFrom('setup').select(setupColumns).where('id', '=', p.id),
)

/** The state of the first start. Undefined before it. */
export async function find(db: Executor): Promise<SetupRow | undefined> {
  const [row] = await theSetup(db, { id: ID })
  return row
}

/** Changes fields of the row, which the caller has locked with `hold`. */
export async function update(trx: Executor, change: Partial<SetupRow>): Promise<void> {
  await trx.updateTable('setup').set(change).where('id', '=', ID).execute()
}

/** Whether there is a user who can manage the server. */
export async function hasAdmin(db: Executor): Promise<boolean> {
  const admin = await db
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'admin')
    .limit(1)
    .executeTakeFirst()
  return admin !== undefined
}

/** Whether users other than these exist. Erased users count. */
export async function hasUsersBesides(db: Executor, usernames: readonly string[]): Promise<boolean> {
  const other = await db
    .selectFrom('users')
    .select('id')
    .$if(usernames.length > 0, (query) => query.where('username', 'not in', usernames))
    .limit(1)
    .executeTakeFirst()
  return other !== undefined
}
