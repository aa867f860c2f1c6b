import type { LastSeenTable } from '../schema.ts'
import { type Executor, statement } from '../statement.ts'

/**
 * Records when users were last seen. An earlier time than the stored one has no effect, unless that is after `latest`:
 * then it comes from a clock that was ahead.
 */
export async function note(trx: Executor, rows: readonly LastSeenTable[], latest: Date): Promise<void> {
  await trx
    .insertInto('last_seen')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .column('user_id')
        .doUpdateSet((eb) => ({ seen_at: eb.ref('excluded.seen_at') }))
        .where((eb) =>
          eb.or([
            eb('last_seen.seen_at', '<', eb.ref('excluded.seen_at')),
            eb('last_seen.seen_at', '>', latest),
          ]),
        ),
    )
    .execute()
}

const ofUser = statement((db, p: { userId: string }) =>
  db.selectFrom('last_seen').select('seen_at').where('user_id', '=', p.userId),
)

/** When a user was last seen, if ever. */
export async function find(db: Executor, userId: string): Promise<Date | undefined> {
  const [row] = await ofUser(db, { userId })
  return row?.seen_at
}

export async function remove(trx: Executor, userId: string): Promise<void> {
  await trx.deleteFrom('last_seen').where('user_id', '=', userId).execute()
}
