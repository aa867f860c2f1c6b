import type { Executor } from '../statement.ts'

/** Writes and rolls back. @throws the database error if it cannot write. */
export async function tryToWrite(db: Executor): Promise<void> {
  const rollback = new Error('rolled back')
  try {
    await db.transaction().execute(async (trx) => {
      await trx
        .updateTable('event_log')
        .set((eb) => ({ epoch: eb.ref('epoch') }))
        .execute()
      throw rollback
    })
  } catch (error) {
    if (error !== rollback) throw error
  }
}
