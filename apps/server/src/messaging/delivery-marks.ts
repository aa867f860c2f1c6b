import { setTimeout as sleep } from 'node:timers/promises'
import { type Executor, type Mark, type MessageRow, store } from '@sotto/db'
import type { Logger } from 'pino'
import type { Runtime } from '../app/runtime.ts'

/** The minimum time between two writes for the same conversation and user, in milliseconds. */
const REST_MS = 1_000
/** Marks within this time share a transaction, which costs about as much as a send. */
const ROUND_MS = 100
/** Rows stay locked until the transaction ends, so its size bounds how long a concurrent send waits. */
const MAX_MARKS = 100
/** How often closing retries marks that others have locked. */
const LAST_ROUNDS = 20

interface Options {
  db: Executor
  write: Runtime['write']
  now: () => Date
  log: Logger
}

/** A mark that was written recently. */
interface Rest {
  written: Mark
  /** The mark since then. */
  next: Mark | undefined
  /** As of `performance.now()`. */
  endsAt: number
}

/**
 * Collects which messages were delivered to their readers and writes the marks after the response.
 *
 * Each round writes all due marks in one transaction. The first mark of a conversation and user is due immediately,
 * those of the following second are written together.
 */
export class DeliveryMarks {
  readonly #options: Options
  readonly #due = new Map<string, Mark>()
  /** In the order in which they end. */
  readonly #resting = new Map<string, Rest>()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #nextRoundAt = 0
  #closed = false

  constructor(options: Options) {
    this.#options = options
  }

  /** The number of marks waiting to be written. */
  get waiting(): number {
    return this.#due.size + [...this.#resting.values()].filter(({ next }) => next).length
  }

  /** Marks these messages as delivered to the user. */
  note(userId: string, messages: readonly MessageRow[]): void {
    for (const message of messages) {
      if (message.sender_id === userId || message.delivered_at !== null) continue
      this.#add({ conversationId: message.conversation_id, userId, seq: message.seq })
    }
    this.#schedule()
  }

  /** Writes the waiting marks and accepts no more. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#round
    for (let round = 0; round < LAST_ROUNDS; round++) {
      if (round > 0) await sleep(ROUND_MS)
      for (const key of [...this.#resting.keys()]) this.#wake(key)
      if (this.#due.size === 0) return
      await this.#writeDue()
    }
  }

  #add(mark: Mark): void {
    const key = keyOf(mark)
    const rest = this.#resting.get(key)
    if (rest) {
      if ((rest.next ?? rest.written).seq < mark.seq) rest.next = mark
      return
    }
    const due = this.#due.get(key)
    if (!due || due.seq < mark.seq) this.#due.set(key, mark)
  }

  #wake(key: string): void {
    const next = this.#resting.get(key)?.next
    this.#resting.delete(key)
    if (next) this.#due.set(key, next)
  }

  /** Runs rounds as long as a mark is or can become due. */
  #schedule(): void {
    if (this.#closed || this.#timer || this.#round) return
    if (this.#due.size === 0 && this.#resting.size === 0) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#nextRoundAt = performance.now() + ROUND_MS
        this.#round = this.#go().finally(() => {
          this.#round = undefined
          this.#schedule()
        })
      },
      Math.max(0, this.#nextRoundAt - performance.now()),
    )
    this.#timer.unref()
  }

  async #go(): Promise<void> {
    const now = performance.now()
    for (const [key, { endsAt }] of this.#resting) {
      if (endsAt > now) break
      this.#wake(key)
    }
    await this.#writeDue()
  }

  /** Writes the marks that are due now. */
  async #writeDue(): Promise<void> {
    const marks = [...this.#due.values()]
    this.#due.clear()
    const endsAt = performance.now() + REST_MS
    for (const mark of marks) this.#resting.set(keyOf(mark), { written: mark, next: undefined, endsAt })
    for (let from = 0; from < marks.length; from += MAX_MARKS) {
      // The next mark makes up for a lost one, because a mark means "up to".
      await this.#write(marks.slice(from, from + MAX_MARKS)).catch((error: unknown) =>
        this.#options.log.warn({ err: error }, 'writing delivery marks failed'),
      )
    }
  }

  async #write(marks: readonly Mark[]): Promise<void> {
    const { db, write, now } = this.#options
    // Reading old messages of a group again changes no mark and needs no transaction.
    const moving = await store.receipts.findMovingMarks(db, marks)
    if (moving.length === 0) return
    const moved = await write((trx) => store.receipts.moveDeliveredMarks(trx, moving, now()))
    const written = new Set(moved.map(keyOf))
    for (const mark of moving) {
      const key = keyOf(mark)
      const rest = this.#resting.get(key)
      if (!rest || written.has(key)) continue
      // The row is locked: the next round tries again.
      rest.next ??= mark
      this.#wake(key)
    }
  }
}

function keyOf({ conversationId, userId }: Mark): string {
  return `${conversationId}:${userId}`
}
