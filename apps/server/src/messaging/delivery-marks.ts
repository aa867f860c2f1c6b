import {
  appendEvent,
  type ConversationRow,
  type Executor,
  findConversation,
  findParticipant,
  insertReceipt,
  lockConversation,
  lockKeyOf,
  type MessageRow,
  updateDeliveredMark,
} from '@sotto/db'
import type { Logger } from 'pino'
import type { App } from '../context.ts'

/** At most one write in this time for a conversation and user, in milliseconds. */
const GATHER_MS = 1_000

interface Options {
  db: Executor
  write: App['write']
  now: () => Date
  log: Logger
}

interface Mark {
  conversationId: string
  userId: string
  seq: number
}

/**
 * Gathers which messages reached their readers, and writes it down after the answer has gone out.
 *
 * The first mark of a conversation is written at once, those of the following second together.
 */
export class DeliveryMarks {
  readonly #options: Options
  readonly #waiting = new Map<string, Mark>()
  readonly #resting = new Set<string>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #writing = new Set<Promise<void>>()
  #closed = false

  constructor(options: Options) {
    this.#options = options
  }

  /** How many marks are still to be written. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** These messages were handed to this user. */
  note(userId: string, messages: readonly MessageRow[]): void {
    for (const message of messages) {
      if (message.sender_id === userId || message.delivered_at !== null) continue
      const key = `${message.conversation_id}:${userId}`
      const waiting = this.#waiting.get(key)
      if (waiting && waiting.seq >= message.seq) continue
      this.#waiting.set(key, { conversationId: message.conversation_id, userId, seq: message.seq })
      if (!waiting && !this.#resting.has(key)) this.#after(0, key)
    }
  }

  /** Writes what is waiting, and takes nothing more. */
  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
    for (const key of [...this.#waiting.keys()]) this.#start(key)
    await Promise.all(this.#writing)
  }

  #after(delayMs: number, key: string): void {
    if (this.#closed) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#resting.delete(key)
      this.#start(key)
    }, delayMs)
    timer.unref()
    this.#timers.add(timer)
  }

  #start(key: string): void {
    const mark = this.#waiting.get(key)
    if (!mark) return
    this.#waiting.delete(key)
    this.#resting.add(key)
    this.#after(GATHER_MS, key)
    const writing = this.#write(mark)
      // A mark that is lost is made good by the next one: it says "up to".
      .catch((error: unknown) => this.#options.log.warn({ err: error }, 'a delivery mark was not written'))
      .finally(() => this.#writing.delete(writing))
    this.#writing.add(writing)
  }

  async #write(mark: Mark): Promise<void> {
    const { db, write, now } = this.#options
    const conversation = await findConversation(db, mark.conversationId)
    if (!conversation) return
    await write(async (trx) => {
      await lockConversation(trx, lockKeyOf(conversation))
      const participant = await findParticipant(trx, mark.conversationId, mark.userId)
      if (!participant || participant.delivered_seq >= mark.seq) return
      await recordDelivered(trx, conversation, mark, now())
    })
  }
}

/**
 * Moves a delivered mark forward. The caller holds the conversation's turn and has seen that it moves.
 *
 * In a group nobody is told: one message would make as many events as there are participants, each for all of them.
 * Whoever wants to know asks for the receipts.
 */
export async function recordDelivered(
  trx: Executor,
  { kind }: Pick<ConversationRow, 'kind'>,
  mark: Mark,
  at: Date,
): Promise<void> {
  await updateDeliveredMark(trx, mark)
  await insertReceipt(trx, { ...mark, kind: 'delivered', at })
  if (kind === 'group') return
  await appendEvent(trx, {
    type: 'receipt.delivered',
    conversationId: mark.conversationId,
    userId: mark.userId,
    seq: mark.seq,
    at,
  })
}
