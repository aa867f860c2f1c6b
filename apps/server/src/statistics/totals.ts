import { setImmediate as nextImmediate, setTimeout as wait } from 'node:timers/promises'
import { type Executor, FIRST_USER_ID, store } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'

/** The number of rows per query. Each takes a few milliseconds, so that other work is not delayed. */
const BATCH_SIZE = 2_000
/** The maximum share of time spent on counting, no matter how often the totals are requested. */
const MAX_LOAD = 1 / 100
/** How long a request waits for a running count, in milliseconds. */
const WAIT_MS = 500

export interface CountedTotals {
  users: number
  conversations: number
  messages: number
  countedAt: Date
}

/**
 * The total number of users, conversations and messages.
 *
 * Neither database knows the size of a table without reading it. Rows are therefore counted in small batches, once for
 * all concurrent requests, and not again until 100 times the duration of the count has passed. Up to about ten thousand
 * users, every request gets current numbers. A million conversations are counted every few minutes, while requested.
 */
export class Totals {
  readonly #options: Pick<Runtime, 'read' | 'now'>
  #counting: Promise<void> | undefined
  #dueAt = 0
  #last: CountedTotals | undefined

  constructor(options: Pick<Runtime, 'read' | 'now'>) {
    this.#options = options
  }

  /** The result of the last count; undefined until the first is complete. */
  async get(): Promise<CountedTotals | undefined> {
    let counting = this.#counting
    if (!counting && performance.now() >= this.#dueAt) {
      counting = this.#count().finally(() => {
        this.#counting = undefined
      })
      this.#counting = counting
    }
    if (counting !== undefined) await Promise.race([counting, wait(WAIT_MS, undefined, { ref: false })])
    return this.#last
  }

  async #countBatch<Batch>(count: (db: Executor) => Promise<Batch>): Promise<Batch> {
    // SQLite is synchronous, so other work would otherwise never get a turn.
    await nextImmediate()
    return this.#options.read(count)
  }

  async #count(): Promise<void> {
    const startedAt = performance.now()
    const counted = { users: 0, conversations: 0, messages: 0, countedAt: this.#options.now() }
    for (let after: string | undefined = FIRST_USER_ID; after !== undefined; ) {
      const from: string = after
      const batch = await this.#countBatch((db) => store.statistics.countUsers(db, from, BATCH_SIZE))
      counted.users += batch.rows
      after = batch.last
    }
    for (let after: string | undefined = FIRST_USER_ID; after !== undefined; ) {
      const from: string = after
      const batch = await this.#countBatch((db) => store.statistics.countConversations(db, from, BATCH_SIZE))
      counted.conversations += batch.rows
      counted.messages += batch.messages
      after = batch.last
    }
    this.#last = counted
    const endedAt = performance.now()
    this.#dueAt = endedAt + (endedAt - startedAt) / MAX_LOAD
  }
}
