import { SottoError } from '@sotto/contract'
import { isUnavailable } from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import type { ReachRules } from '../people/reach.ts'
import type { Span } from '../telemetry/tracing.ts'
import { type Draft, type Outcome, writeMessages } from './write-messages.ts'

/**
 * The number of concurrent transactions. One is filled while the other waits for the disk; a third would only make
 * the batches smaller.
 */
const LANES = 2
/** The maximum number of messages per transaction, which bounds the latency of the first. */
const MAX_TOGETHER = 64
/** How long a message may wait for its transaction, in milliseconds. */
const MAX_WAIT_MS = 5_000

interface Waiting {
  draft: Draft
  since: number
  /** Of the waiting call. */
  span: Span
  resolve: (outcome: Outcome) => void
  reject: (error: unknown) => void
}

type Parts = Pick<Runtime, 'write' | 'now' | 'newId' | 'tracing'> & ReachRules

/**
 * A queue of messages to write. The transaction is most of the cost of a send, so all messages that are ready share
 * one, at most one per conversation. On an idle server nothing waits.
 *
 * An invalid message fails alone. A message whose conversation is locked, for example by another server, waits without
 * delaying the others.
 */
export class SendQueue {
  readonly #app: Parts
  /** By conversation. The first of each may be in a transaction. */
  readonly #byKey = new Map<string, Waiting[]>()
  /** Conversations whose first message is ready. */
  readonly #ready = new Set<string>()
  #waiting = 0
  #lanesTaken = 0
  #isScheduled = false

  constructor(app: Parts) {
    this.#app = app
  }

  /** The number of unwritten messages, including those in a transaction. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * Writes a message under its conversation lock.
   *
   * @returns once it is committed.
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

  /** After this event loop iteration has read its sockets, so that their messages join the batch. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#begin()
    })
  }

  #begin(): void {
    while (this.#lanesTaken < LANES && this.#ready.size > 0) {
      const together = this.#take()
      if (together.length === 0) continue
      this.#lanesTaken += 1
      void this.#writeTogether(together).finally(() => {
        this.#lanesTaken -= 1
        this.#begin()
      })
    }
  }

  #take(): Waiting[] {
    const latest = this.#app.now().getTime() - MAX_WAIT_MS
    const together: Waiting[] = []
    for (const key of this.#ready) {
      const [first] = this.#byKey.get(key) ?? []
      this.#ready.delete(key)
      if (!first) continue
      if (first.since >= latest) together.push(first)
      else this.#end(first, () => first.reject(new SottoError('UNAVAILABLE')))
      if (together.length === MAX_TOGETHER) break
    }
    return together
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

  async #writeTogether(together: readonly Waiting[]): Promise<void> {
    let isWritten = false
    try {
      const outcomes = await this.#write(together, 'skip locked', () => {
        isWritten = true
      })
      for (const [index, waiting] of together.entries()) this.#settle(waiting, outcomes[index])
    } catch (error) {
      // Either nothing was committed and the cause is unknown, or the outcome of the commit is unknown.
      const mayRepeat = !isWritten && !isUnavailable(error) && together.length > 1
      for (const waiting of together) {
        if (mayRepeat) void this.#writeAlone(waiting)
        else this.#end(waiting, () => waiting.reject(error))
      }
    }
  }

  /** @param onWritten called after the last write of the transaction, before it commits. */
  #write(
    together: readonly Waiting[],
    locking: 'wait' | 'skip locked',
    onWritten?: () => void,
  ): Promise<(Outcome | Error | undefined)[]> {
    const { tracing } = this.#app
    const spans = together.map(({ span }) => span)
    return tracing.share('messages.write', spans, () =>
      this.#app.write(async (trx) => {
        const drafts = together.map(({ draft }) => draft)
        const outcomes = await writeMessages(this.#app, trx, drafts, locking)
        for (const [index, { span }] of together.entries()) {
          const outcome = outcomes[index]
          if (outcome && !(outcome instanceof Error) && outcome.message)
            tracing.wrote(outcome.message.id, span)
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
