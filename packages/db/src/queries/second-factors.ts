import { type Executor, statement } from '../statement.ts'

const secondFactorOf = statement((db, p: { userId: string }) =>
  db.selectFrom('second_factors').select(['sealed_secret', 'confirmed_at']).where('user_id', '=', p.userId),
)

export interface SecondFactorRow {
  sealed_secret: string
  /** Since when it is asked for; null while it waits for its first code. */
  confirmed_at: Date | null
}

export async function find(db: Executor, userId: string): Promise<SecondFactorRow | undefined> {
  const [row] = await secondFactorOf(db, { userId })
  return row
}

/** Puts a secret there that waits for its first code. False, and nothing is written, when one is in use. */
export async function start(
  db: Executor,
  factor: { userId: string; sealedSecret: string; at: Date },
): Promise<boolean> {
  const fresh = { sealed_secret: factor.sealedSecret, last_step: 0, created_at: factor.at }
  const started = await db
    .insertInto('second_factors')
    .values({ ...fresh, user_id: factor.userId, confirmed_at: null })
    .onConflict((conflict) =>
      conflict.column('user_id').doUpdateSet(fresh).where('second_factors.confirmed_at', 'is', null),
    )
    .returning('user_id')
    .executeTakeFirst()
  return started !== undefined
}

/** From now on it is asked for. */
export async function confirm(db: Executor, userId: string, at: Date): Promise<void> {
  await db.updateTable('second_factors').set({ confirmed_at: at }).where('user_id', '=', userId).execute()
}

/** Takes the code of a time step. False when it, or a later one, was taken before. */
export async function takeTotpStep(db: Executor, userId: string, step: number): Promise<boolean> {
  const taken = await db
    .updateTable('second_factors')
    .set({ last_step: step })
    .where('user_id', '=', userId)
    .where('last_step', '<', step)
    .returning('user_id')
    .executeTakeFirst()
  return taken !== undefined
}

export async function insertRecoveryCodes(
  db: Executor,
  userId: string,
  codeHashes: readonly string[],
): Promise<void> {
  await db
    .insertInto('recovery_codes')
    .values(codeHashes.map((hash) => ({ user_id: userId, code_hash: hash })))
    .execute()
}

/** Takes a recovery code, which is gone then. False when there is no such one. */
export async function takeRecoveryCode(db: Executor, userId: string, codeHash: string): Promise<boolean> {
  const taken = await db
    .deleteFrom('recovery_codes')
    .where('user_id', '=', userId)
    .where('code_hash', '=', codeHash)
    .returning('user_id')
    .executeTakeFirst()
  return taken !== undefined
}

/** Forgets the second factor and its recovery codes. True when there was one in use. */
export async function remove(db: Executor, userId: string): Promise<boolean> {
  await db.deleteFrom('recovery_codes').where('user_id', '=', userId).execute()
  const deleted = await db
    .deleteFrom('second_factors')
    .where('user_id', '=', userId)
    .returning('confirmed_at')
    .executeTakeFirst()
  return deleted !== undefined && deleted.confirmed_at !== null
}
