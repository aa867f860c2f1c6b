import type { SetupTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'

/* The first start of an installation: one row, on which servers and callers that come at once take turns. */

const ID = 1
const setupColumns = ['token_hash', 'token_expires_at', 'demo_started_at', 'demo_filled_at'] as const

export type SetupRow = Omit<SetupTable, 'id'>

/** Reads how far it is, and holds it until the transaction ends: whoever comes meanwhile waits, and reads it then. */
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

/** How far it is; undefined before the first start. */
export async function find(db: Executor): Promise<SetupRow | undefined> {
  const [row] = await theSetup(db, { id: ID })
  return row
}

/** Changes what is named, of a row that `hold` holds. */
export async function update(trx: Executor, change: Partial<SetupRow>): Promise<void> {
  await trx.updateTable('setup').set(change).where('id', '=', ID).execute()
}

/** Whether there are users other than these. Who was erased was one. */
export async function hasUsersBesides(db: Executor, usernames: readonly string[]): Promise<boolean> {
  const other = await db
    .selectFrom('users')
    .select('id')
    .$if(usernames.length > 0, (query) => query.where('username', 'not in', usernames))
    .limit(1)
    .executeTakeFirst()
  return other !== undefined
}
