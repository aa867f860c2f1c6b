import { withResolvers } from '../runtime-gaps.ts'

/** The shortest time between two reports, in milliseconds. */
const INTERVAL_MS = 2_000

interface Report {
  seq: number
  done: Promise<void>
}

/** Reports up to where the user has read: the first time immediately, and then for several messages together. */
export class ReadReports {
  readonly #send: (seq: number) => Promise<void>
  #sentAt = Number.NEGATIVE_INFINITY
  /** Waits until it may be sent. */
  #planned: (Report & { start: () => void }) | undefined
  /** Is being sent. */
  #current: Report | undefined

  constructor(send: (seq: number) => Promise<void>) {
    this.#send = send
  }

  /** Resolves once the server knows, and rejects if it could not be reached. */
  mark(seq: number): Promise<void> {
    if (this.#current && this.#current.seq >= seq) return this.#current.done
    if (this.#planned) {
      this.#planned.seq = Math.max(this.#planned.seq, seq)
      return this.#planned.done
    }
    const left = this.#sentAt + INTERVAL_MS - performance.now()
    return left <= 0 ? this.#report(seq) : this.#plan(seq, left)
  }

  /** Sends what is planned now. */
  flush(): void {
    this.#planned?.start()
  }

  #plan(seq: number, waitMs: number): Promise<void> {
    const { promise: done, resolve } = withResolvers<void>()
    const timer = setTimeout(() => this.flush(), waitMs)
    const planned = {
      seq,
      done,
      start: () => {
        clearTimeout(timer)
        this.#planned = undefined
        resolve(this.#report(planned.seq))
      },
    }
    this.#planned = planned
    return done
  }

  async #report(seq: number): Promise<void> {
    this.#sentAt = performance.now()
    const current = { seq, done: this.#send(seq) }
    this.#current = current
    try {
      await current.done
    } finally {
      if (this.#current === current) this.#current = undefined
    }
  }
}
