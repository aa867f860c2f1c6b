import type { Conversation, Event } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { ConversationModel } from './conversation-model.ts'
import { Jump } from './jump.ts'
import type { JumpTarget, LiveSource, ReadMark } from './live-state.ts'
import { MessagePages } from './message-pages.ts'
import type { SentMessage } from './message-window.ts'
import type { Pauses } from './pauses.ts'

/** How many read marks are asked for at once. */
const MARKS_PAGE_SIZE = 200
/** The seq of no message: where the newest ones end. */
const BEYOND_ALL = Number.POSITIVE_INFINITY

interface Options {
  model: ConversationModel
  source: LiveSource
  pageSize: number
  pauses: Pauses
  /** Ends it. */
  signal: AbortSignal
  onChange: () => void
  /** It is tried again. */
  onError: (error: unknown) => void
  /** It is not. */
  onFailure: (error: unknown) => void
}

/** Asks the server for what a ConversationModel is missing, one question after the other, until it has everything. */
export class ConversationSync {
  readonly #options: Options
  /** Where something happened while it was not known which conversation this is. */
  readonly #strangers = new Set<string>()
  readonly #pages: MessagePages
  #isRunning = false
  #jump: Jump | undefined
  #older: Promise<void> | undefined
  #newer: Promise<void> | undefined

  constructor(options: Options) {
    this.#options = options
    this.#pages = new MessagePages(options)
    const { signal } = options
    signal.addEventListener('abort', () => this.#jump?.fail(signal.reason), { once: true })
  }

  /** To be called whenever something may be missing. */
  run(): void {
    if (this.#isRunning || this.#options.signal.aborted) return
    this.#isRunning = true
    void this.#untilCurrent()
  }

  /** Something happened in a conversation that may turn out to be this one. */
  meet(event: Event, conversationId: string): void {
    const { model } = this.#options
    if (this.#isRunning) this.#strangers.add(conversationId)
    if (event.type !== 'conversation.created' || event.conversation.kind !== 'direct') return
    if (!event.conversation.participants.some(({ user }) => model.isTarget(user))) return
    model.head.isStale = true
    this.run()
  }

  /** Whether the window is at the newest messages, or on its way there. */
  get isForNewest(): boolean {
    return this.#jump ? this.#jump.place === 'newest' : this.#options.model.window.follows
  }

  /** Moves the window, in the place of a jump that is still under way. */
  jump(place: JumpTarget): Promise<SentMessage | undefined> {
    const { signal, pauses } = this.#options
    const jump = new Jump(place)
    if (signal.aborted) jump.fail(signal.reason)
    this.#jump?.land(undefined)
    this.#jump = jump
    pauses.wake()
    return jump.landing
  }

  /** Adds the page before the first message, if there is one. */
  loadOlder(): Promise<void> {
    this.#older ??= this.#load(() => this.#pages.loadOlder()).finally(() => {
      this.#older = undefined
    })
    return this.#older
  }

  /** Adds the page after the last message, if there is one. */
  loadNewer(): Promise<void> {
    this.#newer ??= this.#load(() => this.#pages.loadNewer()).finally(() => {
      this.#newer = undefined
    })
    return this.#newer
  }

  async #load(load: () => Promise<void>): Promise<void> {
    // What was asked for belongs to messages that are about to go.
    if (this.#jump) {
      await this.#jump.landing.catch(() => {})
      return
    }
    await load()
    this.#options.onChange()
    this.run()
  }

  async #untilCurrent(): Promise<void> {
    const { pauses, signal, onChange, onError, onFailure } = this.#options
    for (let attempt = 1; !signal.aborted; ) {
      const asking = this.#askForMore()
      if (!asking) break
      try {
        await asking
        attempt = 1
        onChange()
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof SottoError && !error.retryable) return onFailure(error)
        onError(error)
        await pauses.wait(attempt)
        attempt += 1
      }
    }
    this.#isRunning = false
  }

  /** @returns undefined where there is nothing to ask for. */
  #askForMore(): Promise<void> | undefined {
    const { model } = this.#options
    const { head, window, readMarks, isLoaded, conversationId: id } = model
    const jump = this.#jump
    if (jump && head.known) return this.#move(jump)
    if (head.isStale) return this.#loadHead()
    if (jump) return this.#move(jump)
    if (id === undefined) return undefined
    if (!isLoaded) return this.#pages.loadNewest(() => !this.#jump)
    if (this.#isBehind) return this.#catchUp()
    if (window.stale.size > 0) return this.#pages.loadStale()
    if (readMarks.isStale && head.known?.kind === 'group' && !head.hasLeft) return this.#loadReadMarks(id)
    return undefined
  }

  get #isBehind(): boolean {
    const { knownSeq, mayHaveMore, window } = this.#options.model
    return window.follows && (mayHaveMore || knownSeq > window.last)
  }

  async #catchUp(): Promise<void> {
    const { model } = this.#options
    if (model.knownSeq - model.window.last > model.maxMessages) model.giveUpFollowing()
    else await this.#pages.catchUp()
  }

  async #move(jump: Jump): Promise<void> {
    try {
      const seq = await this.#goTo(jump)
      if (this.#jump !== jump) return
      this.#jump = undefined
      const { list } = this.#options.model.window
      this.#options.onChange()
      jump.land(list.find((message) => message.seq >= seq) ?? list.at(-1))
    } catch (error) {
      // It is the place that is wrong, and not the view.
      if (!(error instanceof SottoError && error.code === 'INVALID_INPUT')) throw error
      if (this.#jump === jump) this.#jump = undefined
      jump.fail(error)
    }
  }

  /** @returns the seq of the place */
  async #goTo(jump: Jump): Promise<number> {
    const { model } = this.#options
    const isWanted = () => this.#jump === jump
    const seq = await this.#seqOf(jump.place)
    if (!isWanted()) return seq
    const { window, isLoaded, knownSeq, mayHaveMore } = model
    const isBeyond = seq === BEYOND_ALL || (seq > knownSeq && !mayHaveMore)
    if (isLoaded && (isBeyond ? window.follows : window.has(seq)))
      model.reader = isBeyond ? 'newest' : 'oldest'
    else if (isBeyond) await this.#pages.loadNewest(isWanted)
    else await this.#pages.loadAround(seq, isWanted)
    return seq
  }

  async #seqOf(place: JumpTarget): Promise<number> {
    if (place === 'newest') return BEYOND_ALL
    if ('seq' in place) return Math.max(1, place.seq)
    return (await this.#pages.findSeq(place.date)) ?? BEYOND_ALL
  }

  async #loadHead(): Promise<void> {
    const { model } = this.#options
    const { head, target, window } = model
    this.#strangers.clear()
    const lastBefore = model.isLoaded ? window.last : 0
    await head.ask(
      async () => {
        const conversation = await this.#askForHead()
        if (conversation || typeof target !== 'string') model.me ??= await this.#askWhoIAm(conversation)
        return conversation
      },
      (conversation) => {
        if (conversation) model.putHead(conversation, lastBefore)
        // The first message will make it, whoever sends it; or has made it while this answer was on its way, which
        // has made the head stale again.
        else if (typeof target === 'string') model.isLoaded = true
        else model.putAbsence()
      },
    )
    if (head.known && this.#strangers.has(head.known.id)) head.isStale = true
  }

  /** @returns undefined where there is none, or none that one is in. */
  async #askForHead(): Promise<Conversation | undefined> {
    const { source, model, signal } = this.#options
    const { direct, conversations } = source.calls
    const { target } = model
    try {
      return typeof target === 'string'
        ? await direct.get({ user: target }, { signal })
        : await conversations.get(target, { signal })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async #askWhoIAm(conversation: Conversation | undefined): Promise<string> {
    const { source, signal } = this.#options
    const { actAs, calls } = source
    const name = actAs?.toLowerCase()
    const me = conversation?.participants.find(({ user }) => user.id === name || user.username === name)
    return me?.user.id ?? (await calls.users.me({}, { signal })).id
  }

  async #loadReadMarks(conversationId: string): Promise<void> {
    const { model, signal, source } = this.#options
    try {
      await model.readMarks.ask(async () => {
        const marks: ReadMark[] = []
        const receipts = source.calls.conversations.receipts(
          { conversationId, limit: MARKS_PAGE_SIZE },
          { signal },
        )
        for await (const { userId, readSeq } of receipts)
          if (userId !== model.me) marks.push({ userId, readSeq })
        return marks
      })
    } catch (error) {
      if (!isNotFound(error)) throw error
      // One has left meanwhile, which the stream will tell, or has told before one was back.
      model.head.isStale = true
    }
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof SottoError && error.code === 'CONVERSATION_NOT_FOUND'
}
