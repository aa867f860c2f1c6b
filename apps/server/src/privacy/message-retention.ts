import { emptyWriteAheadLog, FIRST_USER_ID, store } from '@sotto/db'
import { z } from 'zod'
import type { Runtime } from '../app/runtime.ts'
import type { Job, JobOutcome } from '../jobs/job-runner.ts'
import { eraseMessages } from './erase-messages.ts'

/** The job that erases old messages. It runs as long as there is a retention limit. */
export const RETENTION_JOB = 'messages.retention'

/** The number of messages per transaction. */
const BATCH = 50
/** How often the job runs, in milliseconds. Messages are erased at most this much later than their limit. */
const INTERVAL_MS = 10 * 60 * 1_000

/** All messages up to this position are tombstones, so they are not read again: time in milliseconds, and id. */
const progressSchema = z.object({ messages: z.tuple([z.number(), z.string()]) })

/**
 * Erases messages that are older than the retention limit. Leaves tombstones, so that seq has no gaps, and appends no
 * events.
 *
 * @param retentionMs null keeps messages forever, which ends the job.
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
