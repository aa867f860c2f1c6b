import { type ErasableRow, emptyWriteAheadLog, FIRST_USER_ID, type MessagePosition, store } from '@sotto/db'
import { z } from 'zod'
import type { Runtime } from '../app/runtime.ts'
import type { Job, JobOutcome } from '../jobs/job-runner.ts'
import { latestBelievable } from '../lib/clock.ts'
import { eraseMessages } from './erase-messages.ts'

/** The job that erases old messages. It runs as long as there is a retention limit. */
export const RETENTION_JOB = 'messages.retention'

/** The number of messages per transaction. */
const BATCH = 50
/** How often the job runs, in milliseconds. Messages are erased at most this much later than their limit. */
const INTERVAL_MS = 10 * 60 * 1_000
/** The maximum number of groups of messages with times in the future that are tracked separately. */
const MAX_AHEAD = 100

const progressSchema = z.object({
  /** All messages up to this position are tombstones, so they are not read again: time in milliseconds, and id. */
  messages: z.tuple([z.number(), z.string()]),
  /**
   * Messages with times in the future, from a clock that was ahead: when they were first seen, and the latest of their
   * times, in milliseconds. Ascending by both.
   */
  ahead: z.array(z.tuple([z.number(), z.number()])).default([]),
})
type Progress = z.output<typeof progressSchema>

const start: Progress = { messages: [0, FIRST_USER_ID], ahead: [] }

type Parts = Pick<Runtime, 'db' | 'now'>

/**
 * Erases messages that are older than the retention limit. Leaves tombstones, so that seq has no gaps, and appends no
 * events. The age of a message whose time is in the future counts from when the job has first seen it.
 *
 * @param retentionMs null keeps messages forever, which ends the job.
 */
export async function messageRetentionJob(
  app: Parts,
  retentionMs: number | null,
  job: Job,
): Promise<JobOutcome> {
  if (retentionMs === null) return 'done'
  const now = app.now()
  const before = new Date(now.getTime() - retentionMs)
  const latest = latestBelievable(now)
  let progress = job.progress === undefined ? start : progressSchema.parse(job.progress)
  // Otherwise messages with earlier times would be skipped.
  if (progress.messages[0] > latest.getTime()) progress = { ...progress, messages: start.messages }

  let hasErased = false
  for await (const rows of olderMessages(app, positionOf(progress.messages), before)) {
    progress = { ...progress, messages: endOf(rows) }
    await job.advance(progress, (trx) => eraseMessages(trx, rows, { at: app.now(), withEvents: false }))
    hasErased = true
  }

  // The last of those that were seen long enough ago.
  const due = progress.ahead.findLast(([seenAt]) => seenAt <= before.getTime())?.[1]
  if (due !== undefined) {
    const end = new Date(due + 1)
    for await (const rows of olderMessages(app, { at: latest, id: FIRST_USER_ID }, end)) {
      await job.advance(progress, (trx) => eraseMessages(trx, rows, { at: app.now(), withEvents: false }))
      hasErased = true
    }
  }
  const ahead = await stillAhead(app, progress.ahead, { now, latest, due })
  if (JSON.stringify(ahead) !== JSON.stringify(progress.ahead)) {
    await job.advance({ ...progress, ahead }, async () => {})
  }
  if (hasErased) await emptyWriteAheadLog(app.db)
  return new Date(app.now().getTime() + INTERVAL_MS)
}

async function* olderMessages(
  { db }: Parts,
  after: MessagePosition,
  before: Date,
): AsyncGenerator<readonly ErasableRow[]> {
  for (let position = after; ; ) {
    const rows = await store.erasure.listOlder(db, position, before, BATCH)
    if (rows.length === 0) return
    yield rows
    position = positionOf(endOf(rows))
  }
}

function endOf(rows: readonly ErasableRow[]): Progress['messages'] {
  const last = rows.at(-1)
  if (!last) throw new Error('a batch has at least one message')
  return [last.created_at.getTime(), last.id]
}

function positionOf([at, id]: Progress['messages']): MessagePosition {
  return { at: new Date(at), id }
}

/** Without the times that have passed or whose messages are erased, and with those of new messages. */
async function stillAhead(
  { db }: Parts,
  known: Progress['ahead'],
  { now, latest, due = 0 }: { now: Date; latest: Date; due: number | undefined },
): Promise<Progress['ahead']> {
  const left = known.filter(([, upTo]) => upTo > latest.getTime() && upTo > due)
  const newest = (await store.erasure.findLatestTime(db))?.getTime() ?? 0
  const isKnown = newest <= Math.max(latest.getTime(), due, left.at(-1)?.[1] ?? 0)
  return isKnown ? left : [...left.slice(-MAX_AHEAD), [now.getTime(), newest]]
}
