import { setTimeout as wait } from 'node:timers/promises'
import { type EventTransaction, type JobKey, type JobRow, store } from '@sotto/db'
import type { Logger } from 'pino'
import type { Runtime } from '../app/runtime.ts'
import { latestBelievable } from '../lib/clock.ts'

/** The polling interval for due jobs, in milliseconds. Finds jobs of stopped servers and jobs that had to wait. */
const POLL_MS = 1_000
/** How long a server keeps a job without making progress, in milliseconds. One step takes far less. */
const LEASE_MS = 30_000
/** The pause between two steps, in milliseconds, so that requests do not wait for the whole job. */
const PAUSE_MS = 5
/** The delay before a failed job is retried, in milliseconds. Doubles with each consecutive failure. */
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 60 * 60 * 1_000
/** The longest time for which a job is scheduled ahead: by a retry. Handlers return shorter ones. */
const MAX_WAIT_MS = MAX_RETRY_MS

/** `done`, or when to continue the job. */
export type JobOutcome = 'done' | Date

/** A job that this server is running. */
export interface Job {
  readonly subjectId: string
  /** The progress after the last step; undefined before the first. Parse it: another version may have written it. */
  readonly progress: unknown
  /**
   * Runs one step in its own transaction, and stores the job's progress with it.
   *
   * A step must be short, take its locks first, and be safe to repeat.
   *
   * @throws if the server is stopping or another server has taken the job. Nothing is written then.
   */
  advance(progress: object, step: (trx: EventTransaction) => Promise<void>): Promise<void>
}

export type JobHandler = (job: Job) => Promise<JobOutcome>

interface Options extends Pick<Runtime, 'db' | 'write' | 'now'> {
  log: Logger
  handlers: Readonly<Record<string, JobHandler>>
}

/**
 * Runs jobs: background work in small steps.
 *
 * Jobs and their progress are stored in a table, so a job outlives the server that started it: another server continues
 * after the last committed step. Only one server runs a job at a time.
 */
export class JobRunner {
  readonly #options: Options
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #working: Promise<void> | undefined
  #mayBeDue = false

  constructor(options: Options) {
    this.#options = options
  }

  /** Starts polling for due jobs, until closed. */
  start(): void {
    this.#timer = setInterval(() => this.wake(), POLL_MS)
    this.#timer.unref()
    this.wake()
  }

  /** Looks for due jobs now. */
  wake(): void {
    if (this.#timer) void this.runDue()
  }

  /** Runs all due jobs. Resolves when none are left, or when the runner is closed. Never throws. */
  async runDue(): Promise<void> {
    this.#mayBeDue = true
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
    await this.#working
  }

  /** Stops after the current step. */
  async close(): Promise<void> {
    this.#stopping.abort()
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.#working
  }

  async #work(): Promise<void> {
    while (this.#mayBeDue && !this.#stopping.signal.aborted) {
      this.#mayBeDue = false
      try {
        const row = await this.#take()
        if (!row) continue
        this.#mayBeDue = true
        await this.#run(row)
      } catch (error) {
        // The next poll retries.
        this.#options.log.warn({ err: error }, 'job runner pass failed, will retry')
        return
      }
    }
  }

  #take(): Promise<JobRow | undefined> {
    const { db, now } = this.#options
    const at = now()
    return db
      .transaction()
      .execute((trx) =>
        store.jobs.take(trx, { now: at, until: this.#leaseEnd(), latest: latestBelievable(at, MAX_WAIT_MS) }),
      )
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
      if (!handler) throw new Error(`unknown kind of job: ${row.kind}`)
      const outcome = await handler({
        subjectId: row.subject_id,
        progress: row.progress === null ? undefined : (JSON.parse(row.progress) as unknown),
        advance: (progress, step) => this.#advance(held, progress, step),
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
    step: (trx: EventTransaction) => Promise<void>,
  ): Promise<void> {
    const { signal } = this.#stopping
    signal.throwIfAborted()
    const until = this.#leaseEnd()
    await this.#options.write(async (trx) => {
      await step(trx)
      const change = { progress: JSON.stringify(progress), due_at: until, failures: 0 }
      if (!(await store.jobs.updateTaken(trx, held, change))) throw new JobLost(held)
    })
    held.due_at = until
    held.failures = 0
    await wait(PAUSE_MS, undefined, { signal })
  }
}

/** Another server has taken the job, because this one was too slow. */
class JobLost extends Error {
  constructor({ kind, subject_id: subject }: JobKey) {
    super(`another server has taken the job ${kind} of ${subject}`)
  }
}

function retryDelayMs(failures: number): number {
  return Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
