import { type Executor, store } from '@sotto/db'
import type { Logger } from 'pino'

/** How often expired events are deleted, how many in one transaction, and the pause between two. In milliseconds. */
const INTERVAL_MS = 10 * 60 * 1_000
const BATCH = 1_000
const PAUSE_MS = 50
/** How much older an event may be than one before it in the log, because of clocks and long transactions. */
const DISORDER_MS = 5 * 60 * 1_000
/** How long events are kept at most for a webhook that is behind. */
const LONGEST_WAIT_MS = 30 * 24 * 60 * 60 * 1_000

interface Options {
  db: Executor
  now: () => Date
  log: Logger
  retentionMs: number
}

/**
 * Deletes expired events from time to time, in transactions short enough not to hold the log's readers back.
 *
 * @see deleteExpiredEvents for which events are kept longer.
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
      log.warn({ err: error }, 'deleting expired events failed, will retry')
      schedule(INTERVAL_MS)
    }
  }

  schedule(INTERVAL_MS)
  return { stop: () => clearTimeout(timer) }
}

/**
 * Deletes the oldest expired events, except those that an enabled webhook has not read yet. These are kept for up to
 * thirty days.
 *
 * @returns how many were deleted, at most one batch.
 */
export async function deleteExpiredEvents({ db, now, retentionMs }: Omit<Options, 'log'>): Promise<number> {
  const expired = now().getTime() - retentionMs
  const unread = await store.webhooks.findOldestPosition(db)
  const wanted = unread
    ? Math.max(unread.getTime() - DISORDER_MS, now().getTime() - LONGEST_WAIT_MS)
    : Number.POSITIVE_INFINITY
  const before = new Date(Math.min(expired, wanted))
  return db.transaction().execute((trx) => store.eventLog.removeOld(trx, before, BATCH))
}
