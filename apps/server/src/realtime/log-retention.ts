import { type Executor, store } from '@sotto/db'
import type { Logger } from 'pino'
import { latestBelievable } from '../lib/clock.ts'

/** How often expired events are deleted, in milliseconds. */
const INTERVAL_MS = 10 * 60 * 1_000
/** The number of events per transaction, and the pause between two transactions in milliseconds. */
const BATCH = 1_000
const PAUSE_MS = 50
/** How far timestamps can be out of log order, because of clock differences and long transactions. */
const DISORDER_MS = 5 * 60 * 1_000
/** The maximum time that events are kept for a webhook that is behind. */
const MAX_WEBHOOK_LAG_MS = 30 * 24 * 60 * 60 * 1_000

interface Options {
  db: Executor
  now: () => Date
  log: Logger
  retentionMs: number
}

/**
 * Periodically deletes expired events, in transactions that are short enough not to delay readers of the log.
 *
 * @see deleteExpiredEvents for which events are kept longer.
 */
export function startLogRetention({ log, ...parts }: Options): { stop(): void } {
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
 * Deletes a batch of the oldest expired events. Events that an enabled webhook has not read yet are kept for up to
 * thirty days.
 *
 * @returns the number of deleted events.
 */
export async function deleteExpiredEvents({ db, now, retentionMs }: Omit<Options, 'log'>): Promise<number> {
  const expired = now().getTime() - retentionMs
  const unread = await store.webhooks.findOldestPosition(db, latestBelievable(now()))
  const needed = unread
    ? Math.max(unread.getTime() - DISORDER_MS, now().getTime() - MAX_WEBHOOK_LAG_MS)
    : Number.POSITIVE_INFINITY
  const before = new Date(Math.min(expired, needed))
  return db.transaction().execute((trx) => store.eventLog.removeOld(trx, before, BATCH))
}
