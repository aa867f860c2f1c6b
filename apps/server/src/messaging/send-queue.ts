import { SottoError } from '@sotto/contract'
import { isUnavailable } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import type { ReachRules } from '../people/reach.ts'
import type { Span } from '../telemetry/tracing.ts'
import { type Draft, type Outcome, writeMessages } from './write-messages.ts'

/**
 * The number of concurrent transactions. While one waits for the disk, the next batch fills the other. A third would
 * only make the batches smaller.
 */
const MAX_TRANSACTIONS = 2
/** The maximum number of messages per transaction, which bounds the latency of the first. */
const MAX_BATCH = 64
/** How long a message may wait for its transaction, in milliseconds. */
const MAX_WAIT_MS = 5_000

interface Waiting {
  draft: Draft
  since: number
  /** The span of the call to `send`. */
  span: Span
  resolve: (outcome: Outcome) => void
  reject: (error: unknown) => void
}

type Parts = Pick<Runtime, 'write' | 'now' | 'newId' | 'tracing'> & ReachRules

/**
 * Writes messages in batches. Most of the cost of a send is its transaction, so all messages that are ready share one,
 * at most one message per conversation. On an idle server no message waits for others.
 *
 * An invalid message does not fail the others in its batch. A message whose conversation is locked, for example by
 * another server, waits without delaying the others.
 */
export class SendQueue {
  readonly #app: Parts
  /** By lock key. The first message of each conversation may be in a transaction. */
  readonly #byKey = new Map<string, Waiting[]>()
  /** The lock keys of conversations whose first message is ready to be written. */
  readonly #ready = new Set<string>()
  #waiting = 0
  #openTransactions = 0
  #isScheduled = false

  constructor(app: Parts) {
    this.#app = app
  }

  /** The number of unwritten messages, including those in a transaction. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * Writes a message under its conversation lock. Resolves once it is committed.
   *
   * @throws {SottoError} if the message is rejected; UNAVAILABLE if the server is overloaded
   */
  send(draft: Draft): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting += 1
      const span = this.#app.tracing.active()
      const waiting = { draft, since: this.#app.now().getTime(), span, resolve, reject }
      const others = this.#byKey.get(draft.lockKey)
      if (others) {
        others.push(waiting)
        return
      }
      this.#byKey.set(draft.lockKey, [waiting])
      this.#ready.add(draft.lockKey)
      this.#schedule()
    })
  }

  /** Deferred until this iteration of the event loop has read its sockets, so that their messages join the batch. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#begin()
    })
  }

  #begin(): void {
    while (this.#openTransactions < MAX_TRANSACTIONS && this.#ready.size > 0) {
      const batch = this.#takeBatch()
      if (batch.length === 0) continue
      this.#openTransactions += 1
      void this.#writeBatch(batch).finally(() => {
        this.#openTransactions -= 1
        this.#begin()
      })
    }
  }

  #takeBatch(): Waiting[] {
    const oldest = this.#app.now().getTime() - MAX_WAIT_MS
    const batch: Waiting[] = []
    for (const key of this.#ready) {
      const [first] = this.#byKey.get(key) ?? []
      this.#ready.delete(key)
      if (!first) continue
      if (first.since >= oldest) batch.push(first)
      else this.#end(first, () => first.reject(new SottoError('UNAVAILABLE')))
      if (batch.length === MAX_BATCH) break
    }
    return batch
  }

  /** Settles the call and makes the next message of the conversation ready. */
  #end({ draft }: Waiting, settle: () => void): void {
    settle()
    this.#waiting -= 1
    const all = this.#byKey.get(draft.lockKey)
    all?.shift()
    if (!all || all.length === 0) {
      this.#byKey.delete(draft.lockKey)
      return
    }
    this.#ready.add(draft.lockKey)
    this.#schedule()
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    let isWritten = false
    try {
      const outcomes = await this.#write(batch, 'skip locked', () => {
        isWritten = true
      })
      for (const [index, waiting] of batch.entries()) this.#settle(waiting, outcomes[index])
    } catch (error) {
      // A failure before the commit may be due to one of the messages, so each is retried in its own transaction. After
      // that, the outcome of the commit is unknown, so none is.
      const canRetry = !isWritten && !isUnavailable(error) && batch.length > 1
      for (const waiting of batch) {
        if (canRetry) void this.#writeAlone(waiting)
        else this.#end(waiting, () => waiting.reject(error))
      }
    }
  }

  /** @param onWritten called after the last write of the transaction, before it commits. */
  #write(
    batch: readonly Waiting[],
    locking: 'wait' | 'skip locked',
    onWritten?: () => void,
  ): Promise<(Outcome | Error | undefined)[]> {
    const { tracing } = this.#app
    const spans = batch.map(({ span }) => span)
    return tracing.share('messages.write', spans, () =>
      this.#app.write(async (trx) => {
        const drafts = batch.map(({ draft }) => draft)
        const outcomes = await writeMessages(this.#app, trx, drafts, locking)
        for (const [index, { span }] of batch.entries()) {
          const outcome = outcomes[index]
          if (outcome && !(outcome instanceof Error) && outcome.message)
            tracing.messageWritten(outcome.message.id, span)
        }
        onWritten?.()
        return outcomes
      }),
    )
  }

  async #writeAlone(waiting: Waiting): Promise<void> {
    try {
      const [outcome] = await this.#write([waiting], 'wait')
      this.#settle(waiting, outcome)
    } catch (error) {
      this.#end(waiting, () => waiting.reject(error))
    }
  }

  #settle(waiting: Waiting, outcome: Outcome | Error | undefined): void {
    if (outcome === undefined) void this.#writeAlone(waiting)
    else if (outcome instanceof Error) this.#end(waiting, () => waiting.reject(outcome))
    else this.#end(waiting, () => waiting.resolve(outcome))
  }
}
