import { type Executor, store } from '@sotto/db'
import { latestBelievable } from '../lib/clock.ts'
import type { NewId } from '../lib/ids.ts'

interface Options {
  db: Executor
  now: () => Date
  newId: NewId
  /** The same on every server. */
  name: string
  /** Another server can take the lease after this time without a renewal, in milliseconds. */
  durationMs: number
}

/**
 * A lease for work that only one server of a database does at a time. The holder renews it well before it expires. If
 * the holder stops, the lease expires and another server takes it.
 *
 * If their clocks differ, two servers can briefly both believe that they hold the lease. Work that must not be done
 * twice has to call `renewIn` in its own transaction.
 */
export class ServerLease {
  readonly #options: Options
  readonly #holder: string
  #until = 0

  constructor(options: Options) {
    this.#options = options
    this.#holder = options.newId()
  }

  /** Whether this server holds the lease, after taking or renewing it if necessary. */
  async hold(): Promise<boolean> {
    const { db, now, durationMs } = this.#options
    const left = this.#until - now().getTime()
    return (left > durationMs / 2 && left <= durationMs) || (await this.renewIn(db))
  }

  /**
   * Takes or renews the lease. No other server can take it before the transaction ends.
   *
   * @returns false if another server has it.
   */
  async renewIn(trx: Executor): Promise<boolean> {
    const { now, name, durationMs } = this.#options
    const from = now()
    const until = new Date(from.getTime() + durationMs)
    const isTaken = await store.leases.take(
      trx,
      { name, holder: this.#holder },
      { now: from, until, latest: latestBelievable(from, durationMs) },
    )
    this.#until = isTaken ? until.getTime() : 0
    return isTaken
  }

  /** Releases the lease, if this server has it, so that another server can take it immediately. */
  async giveUp(): Promise<void> {
    if (this.#until === 0) return
    this.#until = 0
    await store.leases.giveUp(this.#options.db, { name: this.#options.name, holder: this.#holder })
  }
}
