import type { Executor } from '../statement.ts'

/** What one server at a time may do, and the one that asks. */
export interface Lease {
  name: string
  holder: string
}

/**
 * Takes a lease that nobody has, or renews one's own. Within a transaction nobody else takes it before that ends.
 *
 * @returns false, and changes nothing, while another one has it.
 */
export async function take(db: Executor, { name, holder }: Lease, now: Date, until: Date): Promise<boolean> {
  const taken = await db
    .insertInto('leases')
    .values({ name, holder, expires_at: until })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({ holder, expires_at: until })
        .where((eb) => eb.or([eb('leases.holder', '=', holder), eb('leases.expires_at', '<=', now)])),
    )
    .returning('name')
    .executeTakeFirst()
  return taken !== undefined
}

/** Lets another one have it at once. Does nothing for who has it no more. */
export async function giveUp(db: Executor, { name, holder }: Lease): Promise<void> {
  await db.deleteFrom('leases').where('name', '=', name).where('holder', '=', holder).execute()
}
