import { type Executor, statement } from '../statement.ts'

export interface NewPasswordReset {
  userId: string
  tokenHash: string
  createdAt: Date
  expiresAt: Date
}

/** Replaces the user's previous reset token, if any. */
export async function put(db: Executor, reset: NewPasswordReset): Promise<void> {
  const fresh = { token_hash: reset.tokenHash, created_at: reset.createdAt, expires_at: reset.expiresAt }
  await db
    .insertInto('password_resets')
    .values({ ...fresh, user_id: reset.userId })
    .onConflict((conflict) => conflict.column('user_id').doUpdateSet(fresh))
    .execute()
}

const resetByToken = statement((db, p: { tokenHash: string; now: Date; latest: Date }) =>
  db
    .selectFrom('password_resets')
    .select('user_id')
    .where('token_hash', '=', p.tokenHash)
    .where('expires_at', '>', p.now)
    .where('expires_at', '<=', p.latest),
)

/**
 * The id of the user whose password this token can reset, if it is valid.
 *
 * @param times a token that expires after `latest` was issued by a clock that was ahead, and is not valid.
 */
export async function find(
  db: Executor,
  tokenHash: string,
  times: { now: Date; latest: Date },
): Promise<string | undefined> {
  const [row] = await resetByToken(db, { tokenHash, ...times })
  return row?.user_id
}

/** Uses a token. @returns false if it has been used already. */
export async function take(db: Executor, tokenHash: string): Promise<boolean> {
  const taken = await db
    .deleteFrom('password_resets')
    .where('token_hash', '=', tokenHash)
    .returning('user_id')
    .executeTakeFirst()
  return taken !== undefined
}

export async function removeOf(db: Executor, userId: string): Promise<void> {
  await db.deleteFrom('password_resets').where('user_id', '=', userId).execute()
}
