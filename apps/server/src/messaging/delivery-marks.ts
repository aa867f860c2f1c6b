import { setTimeout as sleep } from 'node:timers/promises'
import { type Executor, type Mark, type MessageRow, store } from '@sotto/db'
import type { Logger } from 'pino'
import type { Runtime } from '../app/runtime.ts'

/** At most one write in this time for a conversation and user, in milliseconds. */
const REST_MS = 1_000
/** Marks that come within this time are written in one transaction, which costs about as much as that of a send. */
const ROUND_MS = 100
/** A transaction's marks are locked until it ends: with so many that is soon enough for a send that meets one. */
const MAX_MARKS = 100
/** How often it is tried at the end to write marks that others hold. */
const LAST_ROUNDS = 20

interface Options {
  db: Executor
  write: Runtime['write']
  now: () => Date
  log: Logger
}

/** A mark that was written a moment ago. */
interface Rest {
  written: Mark
  /** What has come since. */
  next: Mark | undefined
  /** On the clock of `performance.now()`. */
  endsAt: number
}

/**
 * Gathers which messages reached their readers, and writes it down after the answer has gone out.
 *
 * Goes round while there is something to write: a round takes what is due, of all conversations and users, in one
 * transaction. The first mark of a conversation and user is due at once, those of the following second together.
 */
export class DeliveryMarks {
  readonly #options: Options
  readonly #due = new Map<string, Mark>()
  /** In the order of their ends. */
  readonly #resting = new Map<string, Rest>()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #nextRoundAt = 0
  #closed = false

  constructor(options: Options) {
    this.#options = options
  }

  /** How many marks are still to be written. */
  get waiting(): number {
    return this.#due.size + [...this.#resting.values()].filter(({ next }) => next).length
  }

  /** These messages were handed to this user. */
  note(userId: string, messages: readonly MessageRow[]): void {
    for (const message of messages) {
      if (message.sender_id === userId || message.delivered_at !== null) continue
      this.#add({ conversationId: message.conversation_id, userId, seq: message.seq })
    }
    this.#schedule()
  }

  /** Writes what is waiting, and takes nothing more. */
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

  /** One round after the other, for as long as a mark is due or may become so. */
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

  /** Writes everything that is due when it begins. */
  async #writeDue(): Promise<void> {
    const marks = [...this.#due.values()]
    this.#due.clear()
    const endsAt = performance.now() + REST_MS
    for (const mark of marks) this.#resting.set(keyOf(mark), { written: mark, next: undefined, endsAt })
    for (let from = 0; from < marks.length; from += MAX_MARKS) {
      // A mark that is lost is made good by the next one: it says "up to".
      await this.#write(marks.slice(from, from + MAX_MARKS)).catch((error: unknown) =>
        this.#options.log.warn({ err: error }, 'writing delivery marks failed'),
      )
    }
  }

  async #write(marks: readonly Mark[]): Promise<void> {
    const { db, write, now } = this.#options
    // Whoever looks at old messages of a group again marks what is marked: that needs no transaction.
    const moving = await store.receipts.findMovingMarks(db, marks)
    if (moving.length === 0) return
    const moved = await write((trx) => store.receipts.moveDeliveredMarks(trx, moving, now()))
    const written = new Set(moved.map(keyOf))
    for (const mark of moving) {
      const key = keyOf(mark)
      const rest = this.#resting.get(key)
      if (!rest || written.has(key)) continue
      // Somebody is writing to its row: the next round tries again.
      rest.next ??= mark
      this.#wake(key)
    }
  }
}

function keyOf({ conversationId, userId }: Mark): string {
  return `${conversationId}:${userId}`
}
