import { deleteOldEvents, type Executor, findOldestWebhookPlace } from '@sotto/db'
import type { Logger } from 'pino'

/** How often old events are looked for, how many go in one transaction, and the pause between two, in milliseconds. */
const INTERVAL_MS = 10 * 60 * 1_000
const BATCH = 1_000
const PAUSE_MS = 50
/** How far an event may come later in the log than one that was written after it: clocks, and the longest transaction. */
const DISORDER_MS = 5 * 60 * 1_000
/** How long the log waits at most for a webhook that is behind. */
const LONGEST_WAIT_MS = 30 * 24 * 60 * 60 * 1_000

interface Options {
  db: Executor
  now: () => Date
  log: Logger
  retentionMs: number
}

/**
 * Deletes events that are older than they are kept, in transactions that are too short to hold readers back.
 *
 * @see deleteExpiredEvents for what is kept longer.
 */
export function keepLogShort({ log, ...parts }: Options): { stop(): void } {
  let timer: NodeJS.Timeout

  function schedule(ms: number): void {
    timer = setTimeout(() => void clean(), ms)
    timer.unref()
  }

  async function clean(): Promise<void> {
    try {
      const deleted = await deleteExpiredEvents(parts)
      schedule(deleted === BATCH ? PAUSE_MS : INTERVAL_MS)
    } catch (error) {
      log.warn({ err: error }, 'old events were not deleted')
      schedule(INTERVAL_MS)
    }
  }

  schedule(INTERVAL_MS)
  return { stop: () => clearTimeout(timer) }
}

/**
 * Deletes the oldest events that are older than they are kept, but for those that an enabled webhook has not come to
 * yet: these stay for thirty days.
 *
 * @returns how many, up to a batch.
 */
export async function deleteExpiredEvents({ db, now, retentionMs }: Omit<Options, 'log'>): Promise<number> {
  const expired = now().getTime() - retentionMs
  const place = await findOldestWebhookPlace(db)
  const wanted = place
    ? Math.max(place.getTime() - DISORDER_MS, now().getTime() - LONGEST_WAIT_MS)
    : Number.POSITIVE_INFINITY
  const before = new Date(Math.min(expired, wanted))
  return db.transaction().execute((trx) => deleteOldEvents(trx, before, BATCH))
}
