import { setImmediate as nextImmediate, setTimeout as wait } from 'node:timers/promises'
import { type Executor, FIRST_USER_ID, store } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'

/** How many rows one question counts: a few milliseconds, after which others have their turn. */
const PART = 2_000
/** Counting takes this part of the time at most, however often somebody looks. */
const SHARE = 1 / 100
/** How long somebody who looks waits for numbers that are being counted, in milliseconds. */
const WAIT_MS = 500

export interface CountedTotals {
  users: number
  conversations: number
  messages: number
  countedAt: Date
}

/**
 * How much there is in all.
 *
 * Neither database knows how many rows a table has without reading them. So they are counted in small parts, once for
 * all who look, and not again before a hundred times as long has passed: up to some ten thousand users each look has
 * numbers of the moment, and a million conversations are counted every few minutes, while somebody looks.
 */
export class Totals {
  readonly #options: Pick<Runtime, 'read' | 'now'>
  #counting: Promise<void> | undefined
  #dueAt = 0
  #last: CountedTotals | undefined

  constructor(options: Pick<Runtime, 'read' | 'now'>) {
    this.#options = options
  }

  /** As they were counted last; undefined while the first count goes on. */
  async look(): Promise<CountedTotals | undefined> {
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

  async #part<Part>(count: (db: Executor) => Promise<Part>): Promise<Part> {
    // SQLite answers at once, and nobody else would have a turn.
    await nextImmediate()
    return this.#options.read(count)
  }

  async #count(): Promise<void> {
    const startedAt = performance.now()
    const counted = { users: 0, conversations: 0, messages: 0, countedAt: this.#options.now() }
    for (let after: string | undefined = FIRST_USER_ID; after !== undefined; ) {
      const from: string = after
      const part = await this.#part((db) => store.statistics.countUsers(db, from, PART))
      counted.users += part.rows
      after = part.last
    }
    for (let after: string | undefined = FIRST_USER_ID; after !== undefined; ) {
      const from: string = after
      const part = await this.#part((db) => store.statistics.countConversations(db, from, PART))
      counted.conversations += part.rows
      counted.messages += part.messages
      after = part.last
    }
    this.#last = counted
    const endedAt = performance.now()
    this.#dueAt = endedAt + (endedAt - startedAt) / SHARE
  }
}
