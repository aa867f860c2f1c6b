import { deleteOldEvents, type Executor } from '@sotto/db'
import type { Logger } from 'pino'

/** How often old events are looked for, how many go in one transaction, and the pause between two, in milliseconds. */
const INTERVAL_MS = 10 * 60 * 1_000
const BATCH = 1_000
const PAUSE_MS = 50

interface Options {
  db: Executor
  now: () => Date
  log: Logger
  retentionMs: number
}

/** Deletes events that are older than they are kept, in transactions that are too short to hold readers back. */
export function keepLogShort({ db, now, log, retentionMs }: Options): { stop(): void } {
  let timer: NodeJS.Timeout

  function schedule(ms: number): void {
    timer = setTimeout(() => void clean(), ms)
    timer.unref()
  }

  async function clean(): Promise<void> {
    try {
      const before = new Date(now().getTime() - retentionMs)
      const deleted = await db.transaction().execute((trx) => deleteOldEvents(trx, before, BATCH))
      schedule(deleted === BATCH ? PAUSE_MS : INTERVAL_MS)
    } catch (error) {
      log.warn({ err: error }, 'old events were not deleted')
      schedule(INTERVAL_MS)
    }
  }

  schedule(INTERVAL_MS)
  return { stop: () => clearTimeout(timer) }
}
