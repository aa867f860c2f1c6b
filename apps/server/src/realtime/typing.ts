import type { NewId } from '../lib/ids.ts'
import type { Signal } from './signals.ts'

/** How long a user counts as typing without a repeated call, in milliseconds. */
const TYPING_MS = 10_000

interface Options {
  now: () => Date
  newId: NewId
  send: (signal: Signal) => void
}

interface Typist {
  conversationId: string
  userId: string
  /** Who receives the signals. */
  toUserIds: readonly string[]
}

/** Who is typing. Kept in memory only, and expires if a client disappears. */
export class Typing {
  readonly #options: Options
  readonly #timers = new Map<string, NodeJS.Timeout>()

  constructor(options: Options) {
    this.#options = options
  }

  start(typist: Typist): void {
    const key = keyOf(typist)
    const running = this.#timers.get(key)
    clearTimeout(running)
    const timer = setTimeout(() => this.stop(typist), TYPING_MS)
    timer.unref()
    this.#timers.set(key, timer)
    if (!running) this.#send('typing.started', typist)
  }

  stop(typist: Typist): void {
    const key = keyOf(typist)
    const running = this.#timers.get(key)
    if (!running) return
    clearTimeout(running)
    this.#timers.delete(key)
    this.#send('typing.stopped', typist)
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  #send(type: 'typing.started' | 'typing.stopped', { conversationId, userId, toUserIds }: Typist): void {
    const { newId, now, send } = this.#options
    send({ to: { userIds: toUserIds }, event: { id: newId(), type, conversationId, at: now(), userId } })
  }
}

function keyOf({ conversationId, userId }: Typist): string {
  return `${conversationId}:${userId}`
}
