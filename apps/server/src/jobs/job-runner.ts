import { setTimeout as wait } from 'node:timers/promises'
import { type EventTransaction, type JobKey, type JobRow, store } from '@sotto/db'
import type { Logger } from 'pino'
import type { Runtime } from '../app/runtime.ts'

/** How often due jobs are looked for, in milliseconds: those of servers that have gone, and those that had to wait. */
const POLL_MS = 1_000
/** For how long a server has a job without having got any further, in milliseconds. A part of a job takes far less. */
const LEASE_MS = 30_000
/** Between two parts of a job, in milliseconds, so that requests are not made to wait for all of it. */
const PAUSE_MS = 5
/** A job that fails is tried again after this time, doubled with each failure in a row, in milliseconds. */
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60 * 60 * 1_000

/** What a job has to do: it is `done`, or is to be gone on with at a time. */
export type JobOutcome = 'done' | Date

/** One job in the hands of this server. */
export interface Job {
  readonly subjectId: string
  /** What the last part left; undefined before the first. Of any version of this server: parse it. */
  readonly progress: unknown
  /**
   * Does one part in a transaction of its own, and writes down in it how far the job has come.
   *
   * A part must be small, take its locks first, and do no harm when it is done again.
   *
   * @throws when the server stops, or another one has the job by now; nothing is written then.
   */
  advance(progress: object, part: (trx: EventTransaction) => Promise<void>): Promise<void>
}

export type JobHandler = (job: Job) => Promise<JobOutcome>

interface Options extends Pick<Runtime, 'db' | 'write' | 'now'> {
  log: Logger
  handlers: Readonly<Record<string, JobHandler>>
}

/**
 * Carries out jobs: work that goes on beside requests, in small parts, until it is done.
 *
 * The table of jobs holds what is to be done and how far it has come, so a job outlives the server that began it: the
 * next one goes on after the last part that was committed. One server at a time has a job.
 */
export class JobRunner {
  readonly #options: Options
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #working: Promise<void> | undefined
  #lookAgain = false

  constructor(options: Options) {
    this.#options = options
  }

  /** Begins to look for due jobs, and goes on until it is closed. */
  start(): void {
    this.#timer = setInterval(() => this.wake(), POLL_MS)
    this.#timer.unref()
    this.wake()
  }

  /** Looks for due jobs now. */
  wake(): void {
    if (this.#timer) void this.runDue()
  }

  /** Carries out what is due, and resolves when nothing is, or the runner is closed. Never throws. */
  async runDue(): Promise<void> {
    this.#lookAgain = true
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
    await this.#working
  }

  /** Stops after the part that is being done. */
  async close(): Promise<void> {
    this.#stopping.abort()
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.#working
  }

  async #work(): Promise<void> {
    while (this.#lookAgain && !this.#stopping.signal.aborted) {
      this.#lookAgain = false
      try {
        const row = await this.#take()
        if (!row) continue
        this.#lookAgain = true
        await this.#run(row)
      } catch (error) {
        // The next look makes it good.
        this.#options.log.warn({ err: error }, 'job runner pass failed, will retry')
        return
      }
    }
  }

  #take(): Promise<JobRow | undefined> {
    const { db, now } = this.#options
    return db.transaction().execute((trx) => store.jobs.take(trx, now(), this.#leaseEnd()))
  }

  #leaseEnd(): Date {
    return new Date(this.#options.now().getTime() + LEASE_MS)
  }

  async #run(row: JobRow): Promise<void> {
    const { db, now, log, handlers } = this.#options
    const held = { ...row }
    const name = { job: row.kind, subject: row.subject_id }
    const handler = handlers[row.kind]
    try {
      if (!handler) throw new Error('this server does not know how')
      const outcome = await handler({
        subjectId: row.subject_id,
        progress: row.progress === null ? undefined : (JSON.parse(row.progress) as unknown),
        advance: (progress, part) => this.#advance(held, progress, part),
      })
      const change = outcome === 'done' ? { finished_at: now() } : { due_at: outcome }
      await store.jobs.updateTaken(db, held, { ...change, failures: 0, last_error: null })
      if (outcome === 'done') log.info(name, 'job finished')
    } catch (error) {
      if (error instanceof JobLost) return
      if (this.#stopping.signal.aborted) {
        await store.jobs.updateTaken(db, held, { due_at: now() })
        return
      }
      log.warn({ ...name, err: error }, 'job failed, will retry')
      await store.jobs.updateTaken(db, held, {
        due_at: new Date(now().getTime() + retryDelayMs(held.failures)),
        failures: held.failures + 1,
        last_error: codeOf(error),
      })
    }
  }

  async #advance(
    held: JobRow,
    progress: object,
    part: (trx: EventTransaction) => Promise<void>,
  ): Promise<void> {
    const { signal } = this.#stopping
    signal.throwIfAborted()
    const until = this.#leaseEnd()
    await this.#options.write(async (trx) => {
      await part(trx)
      const change = { progress: JSON.stringify(progress), due_at: until, failures: 0 }
      if (!(await store.jobs.updateTaken(trx, held, change))) throw new JobLost(held)
    })
    held.due_at = until
    held.failures = 0
    await wait(PAUSE_MS, undefined, { signal })
  }
}

/** Another server has the job by now: this one was too slow. */
class JobLost extends Error {
  constructor({ kind, subject_id: subject }: JobKey) {
    super(`another server has taken ${kind} of ${subject}`)
  }
}

function retryDelayMs(failures: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
