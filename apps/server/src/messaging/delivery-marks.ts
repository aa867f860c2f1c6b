import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { type Executor, type Mark, type MessageRow, store } from '@sotto/db'
import type { Logger } from 'pino'
import type { Runtime } from '../app/runtime.ts'

/** The minimum time between two rounds, in milliseconds. Marks share transactions, which cost about as much as a send. */
const ROUND_MS = 1_000
/** Rows stay locked until the transaction ends, so its size bounds how long a concurrent send waits. */
const MAX_MARKS = 100
/** The number of attempts to write locked marks when closing, and the time between them in milliseconds. */
const CLOSE_ROUNDS = 20
const CLOSE_ROUND_MS = 100

interface Options {
  db: Executor
  write: Runtime['write']
  now: () => Date
  log: Logger
}

/** The maximum distance between a mark and the next message: all messages in between are read. */
const MAX_OWN_BETWEEN = 1_000

/** The number of lookups of `noteSingle` at the same time. */
const MAX_LOOKUPS = 8

/**
 * The seqs of messages that a user has received, by conversation. Nothing else of the messages is kept while their
 * response is being written, which can take long.
 */
type Received = ReadonlyMap<string, readonly number[]>

/** Without messages of the user, and those that are delivered. */
export function receivedBy(userId: string, messages: readonly MessageRow[]): Received {
  const undelivered = messages.filter(
    (message) => message.sender_id !== userId && message.delivered_at === null,
  )
  const byConversation = Map.groupBy(undelivered, (message) => message.conversation_id)
  return new Map([...byConversation].map(([id, rows]) => [id, rows.map((row) => row.seq)]))
}

/** Messages whose place after the mark is looked up. */
interface Single {
  conversationId: string
  userId: string
  seqs: Set<number>
}

/**
 * Collects delivery marks and writes them in the background, so that reading messages does not wait for writes.
 *
 * Rounds write all waiting marks together, at most once a second. After a second without marks, the next one is written
 * immediately. Marks of the same conversation and user are combined into one.
 */
export class DeliveryMarks {
  readonly #options: Options
  #waiting = new Map<string, Mark>()
  /** The marks of the current round. */
  #writing: ReadonlyMap<string, Mark> = new Map()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #nextRoundAt = 0
  #closed = false
  /** Messages that `noteSingle` looks up next. */
  readonly #singles = new Map<string, Single>()
  #lookups: Promise<void> | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** The number of marks that are not written yet. */
  get waiting(): number {
    return this.#waiting.size + this.#writing.size
  }

  /** Marks these messages, and all before them, as delivered to the user. */
  note(userId: string, received: Received): void {
    for (const [conversationId, seqs] of received) {
      for (const seq of seqs) this.#add({ conversationId, userId, seq })
    }
    this.#schedule()
  }

  /**
   * Marks messages that were read without those before them. A mark is a range, so it moves only to a message that is
   * the next one for the user.
   */
  noteSingle(userId: string, received: Received): void {
    for (const [conversationId, seqs] of received) {
      const key = keyOf({ conversationId, userId })
      const single = this.#singles.get(key) ?? { conversationId, userId, seqs: new Set() }
      this.#singles.set(key, single)
      for (const seq of seqs) single.seqs.add(seq)
    }
    this.#lookups ??= this.#lookUp().finally(() => {
      this.#lookups = undefined
    })
  }

  async #lookUp(): Promise<void> {
    while (this.#singles.size > 0) {
      // On SQLite, lookups wait for nothing.
      await setImmediate()
      const singles: Single[] = []
      for (const [key, single] of this.#singles) {
        this.#singles.delete(key)
        singles.push(single)
        if (singles.length === MAX_LOOKUPS) break
      }
      await Promise.all(singles.map((single) => this.#noteNext(single))).catch((error: unknown) =>
        this.#options.log.warn({ err: error }, 'reading delivery marks failed'),
      )
    }
  }

  async #noteNext({ conversationId, userId, seqs }: Single): Promise<void> {
    const { db } = this.#options
    const key = keyOf({ conversationId, userId })
    // Also before the query: the round that writes the mark can end before the query does, which then misses the mark.
    const before = this.#pendingSeq(key)
    const stay = await store.participants.find(db, conversationId, userId)
    if (!stay) return
    const pending = Math.max(before, this.#pendingSeq(key))
    const start = Math.max(stay.delivered_seq, stay.read_seq, stay.after_seq, pending)
    let above = start
    for (const seq of [...seqs].sort((a, b) => a - b)) {
      if (seq <= above) continue
      if (seq - above > MAX_OWN_BETWEEN) break
      const next = await store.receipts.findReceivable(db, { conversationId, userId, above, upTo: seq })
      if (next !== undefined && next < seq) break
      above = seq
    }
    if (above > start) this.note(userId, new Map([[conversationId, [above]]]))
  }

  /** The seq of the mark that is not written yet; 0 without one. */
  #pendingSeq(key: string): number {
    return Math.max(this.#waiting.get(key)?.seq ?? 0, this.#writing.get(key)?.seq ?? 0)
  }

  /** Writes the waiting marks. Later marks are not written. */
  async close(): Promise<void> {
    await this.#lookups
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#round
    for (let round = 0; round < CLOSE_ROUNDS && this.#waiting.size > 0; round++) {
      if (round > 0) await sleep(CLOSE_ROUND_MS)
      await this.#writeWaiting()
    }
  }

  #add(mark: Mark): void {
    const key = keyOf(mark)
    const waiting = this.#waiting.get(key)
    if (!waiting || waiting.seq < mark.seq) this.#waiting.set(key, mark)
  }

  /** Runs rounds as long as there are marks. */
  #schedule(): void {
    if (this.#closed || this.#timer || this.#round || this.#waiting.size === 0) return
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#nextRoundAt = performance.now() + ROUND_MS
        this.#round = this.#writeWaiting().finally(() => {
          this.#round = undefined
          this.#schedule()
        })
      },
      Math.max(0, this.#nextRoundAt - performance.now()),
    )
    this.#timer.unref()
  }

  async #writeWaiting(): Promise<void> {
    this.#writing = this.#waiting
    this.#waiting = new Map()
    const marks = [...this.#writing.values()]
    for (let from = 0; from < marks.length; from += MAX_MARKS) {
      // A mark covers all messages up to its seq, so the next one replaces a lost one.
      await this.#write(marks.slice(from, from + MAX_MARKS)).catch((error: unknown) =>
        this.#options.log.warn({ err: error }, 'writing delivery marks failed'),
      )
      // On SQLite, marks that would not move wait for nothing.
      await setImmediate()
    }
    this.#writing = new Map()
  }

  async #write(marks: readonly Mark[]): Promise<void> {
    const { db, write, now } = this.#options
    // Rereading old messages changes no mark and needs no transaction.
    const moving = await store.receipts.findMovingMarks(db, marks)
    if (moving.length === 0) return
    const moved = await write((trx) => store.receipts.moveDeliveredMarks(trx, moving, now()))
    const written = new Set(moved.map(keyOf))
    // The rows of the others are locked by other transactions: the next round retries.
    for (const mark of moving) if (!written.has(keyOf(mark))) this.#add(mark)
  }
}

function keyOf({ conversationId, userId }: Omit<Mark, 'seq'>): string {
  return `${conversationId}:${userId}`
}
