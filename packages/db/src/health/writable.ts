import type { Executor } from '../statement.ts'

/** Writes, and takes it back. @throws what the database says where it cannot. */
export async function tryToWrite(db: Executor): Promise<void> {
  const undone = new Error('taken back')
  try {
    await db.transaction().execute(async (trx) => {
      await trx
        .updateTable('event_log')
        .set((eb) => ({ epoch: eb.ref('epoch') }))
        .execute()
      throw undone
    })
  } catch (error) {
    if (error !== undone) throw error
  }
}
