import type { Logger } from 'pino'
import type { NewId } from '../lib/ids.ts'
import type { Signal } from './signals.ts'

/** How long a user counts as typing without a repeated call, in milliseconds. */
const TYPING_MS = 10_000

interface Options {
  now: () => Date
  newId: NewId
  log: Logger
  send: (signal: Signal) => void
  /** The users who may see this user's signals in this conversation. */
  findAudience: (typist: Typist) => Promise<readonly string[]>
}

interface Typist {
  conversationId: string
  userId: string
}

interface Indicator {
  timer: NodeJS.Timeout
  /** The users who were sent `typing.started`. */
  shownTo: ReadonlySet<string>
}

/** Tracks who is typing. Kept in memory, with a timeout in case a client disappears. */
export class Typing {
  readonly #options: Options
  readonly #indicators = new Map<string, Typist & Indicator>()

  constructor(options: Options) {
    this.#options = options
  }

  /** @param audience the users who may see the signals now. */
  start(typist: Typist, audience: readonly string[]): void {
    const key = keyOf(typist)
    const running = this.#indicators.get(key)
    clearTimeout(running?.timer)
    const timer = setTimeout(() => void this.#timeOut(typist), TYPING_MS)
    timer.unref()
    this.#indicators.set(key, { ...typist, timer, shownTo: running?.shownTo ?? new Set(audience) })
    if (!running) this.#send('typing.started', typist, audience)
  }

  /** @param audience the users who may see the signals now: some of those who saw the start may not. */
  stop(typist: Typist, audience: readonly string[]): void {
    const key = keyOf(typist)
    const running = this.#indicators.get(key)
    if (!running) return
    clearTimeout(running.timer)
    this.#indicators.delete(key)
    this.#send(
      'typing.stopped',
      typist,
      audience.filter((id) => running.shownTo.has(id)),
    )
  }

  /** Ends what each of two users sees of the other, before a block hides it. */
  hideBetween(a: string, b: string): void {
    for (const [key, indicator] of this.#indicators) {
      const viewer = indicator.userId === a ? b : indicator.userId === b ? a : undefined
      if (viewer === undefined || !indicator.shownTo.has(viewer)) continue
      const shownTo = new Set(indicator.shownTo)
      shownTo.delete(viewer)
      this.#indicators.set(key, { ...indicator, shownTo })
      this.#send('typing.stopped', indicator, [viewer])
    }
  }

  close(): void {
    for (const { timer } of this.#indicators.values()) clearTimeout(timer)
    this.#indicators.clear()
  }

  async #timeOut(typist: Typist): Promise<void> {
    const running = this.#indicators.get(keyOf(typist))
    try {
      const audience = await this.#options.findAudience(typist)
      // The user may have continued typing in the meantime.
      if (this.#indicators.get(keyOf(typist)) === running) this.stop(typist, audience)
    } catch (error) {
      this.#options.log.warn({ err: error }, 'sending a typing signal failed')
      if (this.#indicators.get(keyOf(typist)) === running) this.stop(typist, [])
    }
  }

  #send(
    type: 'typing.started' | 'typing.stopped',
    { conversationId, userId }: Typist,
    toUserIds: readonly string[],
  ): void {
    const { newId, now, send } = this.#options
    if (toUserIds.length === 0) return
    send({ to: { userIds: toUserIds }, event: { id: newId(), type, conversationId, at: now(), userId } })
  }
}

function keyOf({ conversationId, userId }: Typist): string {
  return `${conversationId}:${userId}`
}
