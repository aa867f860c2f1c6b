import { type ExpressionBuilder, sql } from 'kysely'
import type { Schema } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'

const secondFactorOf = statement((db, p: { userId: string }) =>
  db
    .selectFrom('second_factors')
    .select(['sealed_secret', 'confirmed_at', 'wrong_codes', 'wrong_codes_at'])
    .where('user_id', '=', p.userId),
)

export interface SecondFactorRow {
  sealed_secret: string
  /** Since when a code is required. Null until the first code confirms the secret. */
  confirmed_at: Date | null
  wrong_codes: number
  wrong_codes_at: Date | null
}

export async function find(db: Executor, userId: string): Promise<SecondFactorRow | undefined> {
  const [row] = await secondFactorOf(db, { userId })
  return row
}

/** Stores a secret that awaits its first code. @returns false, without writing, if one is already confirmed. */
export async function start(
  db: Executor,
  factor: { userId: string; sealedSecret: string; at: Date },
): Promise<boolean> {
  const fresh = {
    sealed_secret: factor.sealedSecret,
    last_step: 0,
    created_at: factor.at,
    ...noAttempts,
    last_wrong_code_at: null,
  }
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

/** Requires a code from now on. Wrong codes during the setup are forgotten. */
export async function confirm(db: Executor, userId: string, at: Date): Promise<void> {
  await db
    .updateTable('second_factors')
    .set({ confirmed_at: at, ...noAttempts, last_wrong_code_at: null })
    .where('user_id', '=', userId)
    .execute()
}

const noAttempts = { wrong_codes: 0, wrong_codes_at: null }

/**
 * Counts an attempt to enter a code. It counts as wrong until `takeTotpStep` accepts the code.
 *
 * @returns undefined, without counting, if there were already `max` in the current period.
 */
export async function takeAttempt(
  db: Executor,
  userId: string,
  { at, max, periodMs }: { at: Date; max: number; periodMs: number },
): Promise<{ wrong_codes: number } | undefined> {
  const isOver = (eb: ExpressionBuilder<Schema, 'second_factors'>) =>
    eb.or([
      // Begins with the first wrong code.
      eb('wrong_codes', '=', sql.lit(0)),
      eb('wrong_codes_at', 'is', null),
      eb('wrong_codes_at', '<=', new Date(at.getTime() - periodMs)),
      // Written while a clock was wrong.
      eb('wrong_codes_at', '>', new Date(at.getTime() + periodMs)),
    ])
  return db
    .updateTable('second_factors')
    .set((eb) => ({
      wrong_codes: eb
        .case()
        .when(isOver(eb))
        .then(sql.lit(1))
        .else(eb('wrong_codes', '+', sql.lit(1)))
        .end(),
      wrong_codes_at: eb.case().when(isOver(eb)).then(at).else(eb.ref('wrong_codes_at')).end(),
    }))
    .where('user_id', '=', userId)
    .where((eb) => eb.or([isOver(eb), eb('wrong_codes', '<', max)]))
    .returning('wrong_codes')
    .executeTakeFirst()
}

/** Records when the last wrong code was entered. */
export async function noteWrongCode(db: Executor, userId: string, at: Date): Promise<void> {
  await db
    .updateTable('second_factors')
    .set({ last_wrong_code_at: at })
    .where('user_id', '=', userId)
    .execute()
}

/** Forgets the wrong codes of the current period. */
export async function resetAttempts(db: Executor, userId: string): Promise<void> {
  await db.updateTable('second_factors').set(noAttempts).where('user_id', '=', userId).execute()
}

/**
 * Accepts the code of a time step, after `takeAttempt`. Later steps than `latest` were accepted by a clock that was
 * ahead, and are ignored.
 *
 * @returns false if it or a later one was accepted before.
 */
export async function takeTotpStep(
  db: Executor,
  userId: string,
  { step, latest }: { step: number; latest: number },
): Promise<boolean> {
  const taken = await db
    .updateTable('second_factors')
    .set((eb) => ({ last_step: step, wrong_codes: eb('wrong_codes', '-', sql.lit(1)) }))
    .where('user_id', '=', userId)
    .where((eb) => eb.or([eb('last_step', '<', step), eb('last_step', '>', latest)]))
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

/** Accepts and deletes a recovery code. @returns false if it does not exist. */
export async function takeRecoveryCode(db: Executor, userId: string, codeHash: string): Promise<boolean> {
  const taken = await db
    .deleteFrom('recovery_codes')
    .where('user_id', '=', userId)
    .where('code_hash', '=', codeHash)
    .returning('user_id')
    .executeTakeFirst()
  return taken !== undefined
}

/** Deletes the TOTP secret and the recovery codes. @returns whether two-factor authentication was enabled. */
export async function remove(db: Executor, userId: string): Promise<boolean> {
  await db.deleteFrom('recovery_codes').where('user_id', '=', userId).execute()
  const deleted = await db
    .deleteFrom('second_factors')
    .where('user_id', '=', userId)
    .returning('confirmed_at')
    .executeTakeFirst()
  return deleted !== undefined && deleted.confirmed_at !== null
}
