import { setTimeout as wait } from 'node:timers/promises'
import { type BulkRows, type Executor, store } from '@sotto/db'
import { type DataSize, generateLargeData } from './large-data.ts'

/** The pause between batches, so that a running server, which retries every 50 ms, can write in between. */
const PAUSE_MS = 60

/**
 * Writes a large data set in batches. If interrupted, what has been written is consistent.
 *
 * @param progress called with the number of messages written so far
 */
export async function seedLargeData(
  db: Executor,
  size: DataSize,
  progress: (done: number, total: number) => void,
): Promise<void> {
  let done = 0
  let writing: Promise<unknown> = Promise.resolve()
  for (const batch of generateLargeData(size)) {
    // Each batch is generated while the previous one is being written.
    await writing
    progress(done, size.messages)
    done += batch.messages
    writing = write(db, batch.rows)
  }
  await writing
  progress(done, size.messages)
}

async function write(db: Executor, rows: BulkRows): Promise<void> {
  await db.transaction().execute((trx) => store.sampleData.write(trx, rows))
  await wait(PAUSE_MS)
}
