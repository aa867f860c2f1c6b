import type { Executor } from '../statement.ts'

/** A task that only one server at a time may run, and the server that requests it. */
export interface Lease {
  name: string
  holder: string
}

interface LeaseTimes {
  now: Date
  /** When the lease expires unless renewed. */
  until: Date
  /** A lease that expires later than this was taken by a clock that was ahead, and counts as expired. */
  latest: Date
}

/**
 * Takes a free or expired lease, or renews the holder's own. Within a transaction, the lease stays locked until the
 * transaction ends.
 *
 * @returns false, without changing anything, while another server holds it.
 */
export async function take(
  db: Executor,
  { name, holder }: Lease,
  { now, until, latest }: LeaseTimes,
): Promise<boolean> {
  const taken = await db
    .insertInto('leases')
    .values({ name, holder, expires_at: until })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({ holder, expires_at: until })
        .where((eb) =>
          eb.or([
            eb('leases.holder', '=', holder),
            eb('leases.expires_at', '<=', now),
            eb('leases.expires_at', '>', latest),
          ]),
        ),
    )
    .returning('name')
    .executeTakeFirst()
  return taken !== undefined
}

/** Releases a lease, so that another server can take it immediately. Does nothing if the holder has lost it. */
export async function giveUp(db: Executor, { name, holder }: Lease): Promise<void> {
  await db.deleteFrom('leases').where('name', '=', name).where('holder', '=', holder).execute()
}
