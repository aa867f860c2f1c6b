import { isPostgres } from '../dialect/column-types.ts'
import type { JobTable } from '../schema.ts'
import type { Executor } from '../statement.ts'

export type JobKey = Pick<JobTable, 'kind' | 'subject_id'>
export type JobRow = JobKey & Pick<JobTable, 'progress' | 'due_at' | 'failures'>

/** Ensures that a job runs. An unfinished job continues from its progress, a finished one starts over. */
export async function put(trx: Executor, { kind, subject_id }: JobKey, at: Date): Promise<void> {
  const fresh = { progress: null, due_at: at, failures: 0, last_error: null, finished_at: null }
  await trx
    .insertInto('jobs')
    .values({ kind, subject_id, created_at: at, ...fresh })
    .onConflict((conflict) =>
      conflict.columns(['kind', 'subject_id']).doUpdateSet(fresh).where('jobs.finished_at', 'is not', null),
    )
    .execute()
}

interface JobTimes {
  now: Date
  /** How long the job is held. */
  until: Date
  /** A job that is due later than this was scheduled by a clock that was ahead, and counts as due. */
  latest: Date
}

/**
 * Takes the job that has been due the longest, and holds it until `until`. If the caller has made no progress by then,
 * another server takes it. Undefined if none is due.
 */
export async function take(trx: Executor, { now, until, latest }: JobTimes): Promise<JobRow | undefined> {
  const due = await trx
    .selectFrom('jobs')
    .select(['kind', 'subject_id', 'progress', 'due_at', 'failures'])
    .where('finished_at', 'is', null)
    .where((eb) => eb.or([eb('due_at', '<=', now), eb('due_at', '>', latest)]))
    .orderBy('due_at')
    .limit(1)
    // SQLite has a single writer.
    .$if(isPostgres(trx), (query) => query.forUpdate().skipLocked())
    .executeTakeFirst()
  if (!due || !(await updateTaken(trx, due, { due_at: until }))) return undefined
  return { ...due, due_at: until }
}

type JobChange = Partial<Pick<JobTable, 'progress' | 'due_at' | 'failures' | 'last_error' | 'finished_at'>>

/** Changes a job that the caller has taken. @returns false, without writing, if another server has taken it since. */
export async function updateTaken(
  db: Executor,
  job: Pick<JobRow, 'kind' | 'subject_id' | 'due_at'>,
  change: JobChange,
): Promise<boolean> {
  const updated = await db
    .updateTable('jobs')
    .set(change)
    .where('kind', '=', job.kind)
    .where('subject_id', '=', job.subject_id)
    .where('due_at', '=', job.due_at)
    .where('finished_at', 'is', null)
    .returning('kind')
    .executeTakeFirst()
  return updated !== undefined
}
