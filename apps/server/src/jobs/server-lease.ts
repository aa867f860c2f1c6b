import { type Executor, store } from '@sotto/db'
import type { NewId } from '../lib/ids.ts'

interface Options {
  db: Executor
  now: () => Date
  newId: NewId
  /** What the servers agree on by. */
  name: string
  /** After how long without a renewal another server may take it, in milliseconds. */
  durationMs: number
}

/**
 * What one server at a time does, of all on a database. It takes the lease, renews it well before its time is over,
 * and when it is gone the time comes and another one takes it.
 *
 * Two servers whose clocks disagree may both believe that they have it for a moment: what must not be done twice asks
 * with `renewIn` in the transaction that does it.
 */
export class ServerLease {
  readonly #options: Options
  readonly #holder: string
  #until = 0

  constructor(options: Options) {
    this.#options = options
    this.#holder = options.newId()
  }

  /** Whether this server has the lease, or could take it now. */
  async hold(): Promise<boolean> {
    const { db, now, durationMs } = this.#options
    const left = this.#until - now().getTime()
    return (left > durationMs / 2 && left <= durationMs) || (await this.renewIn(db))
  }

  /**
   * Takes or renews the lease in a transaction, until whose end nobody else takes it.
   *
   * @returns false when another server has it.
   */
  async renewIn(trx: Executor): Promise<boolean> {
    const { now, name, durationMs } = this.#options
    const from = now()
    const until = new Date(from.getTime() + durationMs)
    const isTaken = await store.leases.take(trx, { name, holder: this.#holder }, from, until)
    this.#until = isTaken ? until.getTime() : 0
    return isTaken
  }

  /** Lets another server take it at once, if this one has it. */
  async giveUp(): Promise<void> {
    if (this.#until === 0) return
    this.#until = 0
    await store.leases.giveUp(this.#options.db, { name: this.#options.name, holder: this.#holder })
  }
}
