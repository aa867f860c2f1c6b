import type { Entry, Message, StreamState } from './messages.ts'
import { startBackgroundTimer } from './platform.ts'
import type { Role, SharedPage } from './role.ts'
import { verifyUser } from './verify-user.ts'

/** After how long a silent leader is asked whether it still works, in milliseconds. */
const QUIET_MS = 5_000
/** How long a leader has to answer, in milliseconds. */
const ANSWER_MS = 3_000
/** The maximum number of entries that arrive while the user is verified. */
const MAX_PENDING = 1_000
/** The shortest time between two checks of a token that expires, in milliseconds. */
const MIN_RECHECK_MS = 60_000

/** Receives the stream from the leader. */
export class Follower implements Role {
  readonly #page: SharedPage
  readonly #quietMs: number
  readonly #answerMs: number
  #leader: string | undefined
  /** The number of the leader's next entry. */
  #next = 0
  /** What arrived while the user is verified. Undefined if the page has its position. */
  #pending: Entry[] | undefined
  #state: StreamState | undefined
  #verifying: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #recheck: ReturnType<typeof setTimeout> | undefined

  constructor(page: SharedPage) {
    this.#page = page
    const silenceMs = page.source.settings.silenceMs ?? Number.POSITIVE_INFINITY
    this.#quietMs = Math.min(QUIET_MS, silenceMs / 4)
    this.#answerMs = Math.min(ANSWER_MS, silenceMs / 4)
    this.#join()
  }

  receive(message: Message): void {
    if (message.type === 'leading') {
      this.#join()
      return
    }
    if (message.type === 'welcome') {
      if (message.to === this.#page.id && this.#leader === undefined) this.#onWelcome(message)
      return
    }
    if (message.from !== this.#leader) return
    this.#expectMore()
    switch (message.type) {
      case 'entry':
        this.#onEntry(message.number, message.entry)
        break
      case 'state':
        this.#onState(message.state)
        break
      case 'presence':
        for (const event of message.events) this.#page.accept({ cursor: undefined, event })
        break
    }
  }

  watch(added: readonly string[]): void {
    this.#page.post({ type: 'watch', watched: this.#page.watched(), added })
  }

  /** Checks at once whether the leader works. */
  check(): void {
    if (this.#leader !== undefined) this.#ask({ type: 'ping' })
  }

  stop(): void {
    this.#verifying?.abort()
    clearTimeout(this.#timer)
    clearTimeout(this.#recheck)
  }

  #join(): void {
    this.stop()
    this.#leader = undefined
    const { history, watched } = this.#page
    this.#ask({ type: 'join', cursor: history.cursor, watched: watched() })
  }

  #onWelcome({ from, number, state, missed }: Message & { type: 'welcome' }): void {
    this.#leader = from
    this.#next = number
    this.#pending = missed ? undefined : []
    this.#expectMore()
    if (missed) {
      // The position belongs to this user, who has been verified before.
      for (const entry of missed) this.#page.accept(entry)
      this.#page.ready()
      this.#scheduleRecheck(this.#page.key.expiresAt)
    }
    this.#onState(state)
  }

  #onEntry(number: number, entry: Entry): void {
    if (number < this.#next) return
    if (number > this.#next) {
      this.#join()
      return
    }
    this.#next += 1
    if (!this.#pending) {
      this.#page.accept(entry)
      return
    }
    this.#pending.push(entry)
    if (this.#pending.length > MAX_PENDING) this.#join()
  }

  #onState(state: StreamState): void {
    this.#state = state
    if (!this.#pending || !state.isConnected) this.#page.setState(state)
    const { cursor } = state
    if (!this.#pending || this.#verifying?.signal.aborted === false) return
    if (cursor === undefined) {
      // Without a position, neither the user nor the start is known.
      if (state.isConnected) this.#page.fail()
      return
    }
    void this.#verify(cursor, () => {
      const pending = this.#pending ?? []
      this.#pending = undefined
      this.#page.restart(cursor)
      for (const entry of pending) this.#page.accept(entry)
      this.#page.ready()
      if (this.#state) this.#page.setState(this.#state)
    })
  }

  async #verify(cursor: string, onSuccess?: () => void): Promise<void> {
    const { source, key, fail } = this.#page
    const verifying = new AbortController()
    this.#verifying = verifying
    try {
      const { expiresAt } = await verifyUser(source, key, cursor, verifying.signal)
      if (verifying.signal.aborted) return
      onSuccess?.()
      this.#scheduleRecheck(expiresAt)
    } catch {
      // Streams of their own report the reason to the readers.
      if (!verifying.signal.aborted) fail()
    }
  }

  /** The leader's token may be valid for longer. */
  #scheduleRecheck(expiresAt: number | undefined): void {
    clearTimeout(this.#recheck)
    if (expiresAt === undefined) return
    const ms = Math.max(MIN_RECHECK_MS, expiresAt - Date.now())
    // A timer cannot be longer. It then checks early.
    this.#recheck = startBackgroundTimer(
      () => {
        const { cursor } = this.#page.history
        if (cursor !== undefined) void this.#verify(cursor)
      },
      Math.min(ms, 2 ** 31 - 1),
    )
  }

  #expectMore(): void {
    clearTimeout(this.#timer)
    this.#timer = startBackgroundTimer(() => this.#ask({ type: 'ping' }), this.#quietMs)
  }

  /** Asks the leader, and takes over if there is no answer. */
  #ask(
    question: { type: 'ping' } | { type: 'join'; cursor: string | undefined; watched: readonly string[] },
    isRepeated = false,
  ): void {
    this.#page.post(question)
    const askedAt = Date.now()
    // Followers should not all take over together.
    const answerMs = this.#answerMs * (1 + Math.random() / 2)
    clearTimeout(this.#timer)
    this.#timer = startBackgroundTimer(() => {
      // Answers may be waiting if this page itself was suspended. Timers of a hidden page are always late.
      if (Date.now() - askedAt > 2 * answerMs && !isRepeated) this.#ask(question, true)
      else this.#page.takeOver()
    }, answerMs)
  }
}
