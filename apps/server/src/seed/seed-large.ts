import { setTimeout as wait } from 'node:timers/promises'
import { type BulkRows, type Executor, store } from '@sotto/db'
import { generateWorld, type WorldSize } from './large-world.ts'

/** Long enough for a server beside, which tries again every 50 ms, to get its writes in between. */
const TURN_MS = 60

/**
 * Writes a large world, many rows at a time. What was written when it is cut short is whole in itself.
 *
 * @param progress is told how many messages are written.
 */
export async function seedLargeWorld(
  db: Executor,
  size: WorldSize,
  progress: (done: number, total: number) => void,
): Promise<void> {
  let done = 0
  let writing: Promise<unknown> = Promise.resolve()
  for (const part of generateWorld(size)) {
    // The next part is made while the database works on the last one.
    await writing
    progress(done, size.messages)
    done += part.messages
    writing = write(db, part.rows)
  }
  await writing
  progress(done, size.messages)
}

async function write(db: Executor, rows: BulkRows): Promise<void> {
  await db.transaction().execute((trx) => store.sampleData.write(trx, rows))
  await wait(TURN_MS)
}
