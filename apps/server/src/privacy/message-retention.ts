import { emptyWriteAheadLog, FIRST_USER_ID, store } from '@sotto/db'
import { z } from 'zod'
import type { Runtime } from '../app/runtime.ts'
import type { Job, JobOutcome } from '../jobs/job-runner.ts'
import { eraseMessages } from './erase-messages.ts'

/** The name of the job that erases old messages. There is one, which never ends while messages are not kept for ever. */
export const RETENTION_JOB = 'messages.retention'

/** How many messages one part erases. */
const BATCH = 50
/** How often old messages are looked for, in milliseconds: what a day's limit is late by at most. */
const INTERVAL_MS = 10 * 60 * 1_000

/** Every message up to here is a tombstone: time in milliseconds, and id. So no look passes over tombstones again. */
const progressSchema = z.object({ messages: z.tuple([z.number(), z.string()]) })

/**
 * Erases what was said longer ago than messages are kept. Tombstones stay, so that conversations keep their numbers.
 * Nobody is told of each: whoever reads finds a tombstone.
 *
 * @param retentionMs null keeps messages for ever, which ends the job.
 */
export async function messageRetentionJob(
  app: Pick<Runtime, 'db' | 'now'>,
  retentionMs: number | null,
  job: Job,
): Promise<JobOutcome> {
  if (retentionMs === null) return 'done'
  const before = new Date(app.now().getTime() - retentionMs)
  let [at, id] = job.progress === undefined ? [0, FIRST_USER_ID] : progressSchema.parse(job.progress).messages
  let hasErased = false
  for (;;) {
    const rows = await store.erasure.listOlder(app.db, { at: new Date(at), id }, before, BATCH)
    const last = rows.at(-1)
    if (!last) break
    ;[at, id] = [last.created_at.getTime(), last.id]
    await job.advance({ messages: [at, id] }, (trx) =>
      eraseMessages(trx, rows, { at: app.now(), withEvents: false }),
    )
    hasErased = true
  }
  if (hasErased) await emptyWriteAheadLog(app.db)
  return new Date(app.now().getTime() + INTERVAL_MS)
}
