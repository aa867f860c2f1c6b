import type { NewId } from '../lib/ids.ts'
import type { Signal } from './signals.ts'

/** How long a user counts as typing without a repeated call, in milliseconds. */
const TYPING_MS = 10_000

interface Options {
  now: () => Date
  newId: NewId
  send: (signal: Signal) => void
}

interface Indicator {
  conversationId: string
  userId: string
  /** The users who receive the signals. */
  toUserIds: readonly string[]
}

/** Tracks who is typing. Kept in memory, with a timeout in case a client disappears. */
export class Typing {
  readonly #options: Options
  readonly #timers = new Map<string, NodeJS.Timeout>()

  constructor(options: Options) {
    this.#options = options
  }

  start(indicator: Indicator): void {
    const key = keyOf(indicator)
    const running = this.#timers.get(key)
    clearTimeout(running)
    const timer = setTimeout(() => this.stop(indicator), TYPING_MS)
    timer.unref()
    this.#timers.set(key, timer)
    if (!running) this.#send('typing.started', indicator)
  }

  stop(indicator: Indicator): void {
    const key = keyOf(indicator)
    const running = this.#timers.get(key)
    if (!running) return
    clearTimeout(running)
    this.#timers.delete(key)
    this.#send('typing.stopped', indicator)
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  #send(type: 'typing.started' | 'typing.stopped', { conversationId, userId, toUserIds }: Indicator): void {
    const { newId, now, send } = this.#options
    send({ to: { userIds: toUserIds }, event: { id: newId(), type, conversationId, at: now(), userId } })
  }
}

function keyOf({ conversationId, userId }: Indicator): string {
  return `${conversationId}:${userId}`
}
