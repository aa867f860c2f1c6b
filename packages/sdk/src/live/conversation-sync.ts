import type { Conversation, Event } from '@sotto/contract'
import { foldUserRef, SottoError } from '@sotto/contract'
import { reasonOf } from '../runtime-gaps.ts'
import type { ConversationModel } from './conversation-model.ts'
import { Jump } from './jump.ts'
import type { JumpTarget, LiveSource, ReadMark } from './live-state.ts'
import { MessagePages } from './message-pages.ts'
import type { SentMessage } from './message-window.ts'
import type { Pauses } from './pauses.ts'
import { isNamedBy } from './user-refs.ts'

/** The number of read marks per page. */
const MARKS_PAGE_SIZE = 200
/** The position after the newest message. */
const BEYOND_ALL = Number.POSITIVE_INFINITY

interface Options {
  model: ConversationModel
  source: LiveSource
  pageSize: number
  pauses: Pauses
  /** Stops it. */
  signal: AbortSignal
  onChange: () => void
  /** Called for an error that is followed by a retry. */
  onError: (error: unknown) => void
  /** Called for a permanent error. */
  onFailure: (error: unknown) => void
}

/** Fetches what a ConversationModel is missing, one request at a time, until nothing is missing. */
export class ConversationSync {
  readonly #options: Options
  /** Conversations with events that arrived before the id of this conversation was known. */
  readonly #otherIds = new Set<string>()
  readonly #pages: MessagePages
  #isRunning = false
  #jump: Jump | undefined
  #older: Promise<void> | undefined
  #newer: Promise<void> | undefined

  constructor(options: Options) {
    this.#options = options
    this.#pages = new MessagePages(options)
    const { signal } = options
    signal.addEventListener('abort', () => this.#jump?.reject(reasonOf(signal)), { once: true })
  }

  /** Call this whenever something may be missing. */
  run(): void {
    if (this.#isRunning || this.#options.signal.aborted) return
    this.#isRunning = true
    void this.#sync()
  }

  /** Handles an event of a conversation that may turn out to be this one. */
  handleUnknown(event: Event, conversationId: string): void {
    const { model } = this.#options
    if (this.#isRunning) this.#otherIds.add(conversationId)
    if (event.type !== 'conversation.created' || event.conversation.kind !== 'direct') return
    if (!event.conversation.participants.some(({ user }) => model.isTarget(user))) return
    model.head.isStale = true
    this.run()
  }

  /** Whether the window is at the newest messages, or will be after a jump. */
  get targetsNewest(): boolean {
    return this.#jump ? this.#jump.target === 'newest' : this.#options.model.window.follows
  }

  /** Moves the window. Replaces a pending jump. */
  jump(target: JumpTarget): Promise<SentMessage | undefined> {
    const { signal, pauses } = this.#options
    const jump = new Jump(target)
    if (signal.aborted) jump.reject(reasonOf(signal))
    this.#jump?.resolve(undefined)
    this.#jump = jump
    pauses.wake()
    return jump.result
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
    // The messages next to this page are about to be replaced.
    if (this.#jump) {
      await this.#jump.result.catch(() => {})
      return
    }
    await load()
    this.#options.onChange()
    this.run()
  }

  async #sync(): Promise<void> {
    const { pauses, signal, onChange, onError, onFailure } = this.#options
    for (let attempt = 1; !signal.aborted; ) {
      const request = this.#nextRequest()
      if (!request) break
      try {
        await request
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

  /** @returns undefined if nothing is missing. */
  #nextRequest(): Promise<void> | undefined {
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
    if (model.knownSeq - model.window.last > model.maxMessages) model.stopFollowing()
    else await this.#pages.catchUp()
  }

  async #move(jump: Jump): Promise<void> {
    try {
      const seq = await this.#goTo(jump)
      if (this.#jump !== jump) return
      this.#jump = undefined
      const { list } = this.#options.model.window
      this.#options.onChange()
      jump.resolve(list.find((message) => message.seq >= seq) ?? list.at(-1))
    } catch (error) {
      // The jump target is invalid. The view is fine.
      if (!(error instanceof SottoError && error.code === 'INVALID_INPUT')) throw error
      if (this.#jump === jump) this.#jump = undefined
      jump.reject(error)
    }
  }

  /** @returns the seq of the target. */
  async #goTo(jump: Jump): Promise<number> {
    const { model } = this.#options
    const isWanted = () => this.#jump === jump
    const seq = await this.#seqOf(jump.target)
    if (!isWanted()) return seq
    const { window, isLoaded, knownSeq, mayHaveMore } = model
    const isBeyond = seq === BEYOND_ALL || (seq > knownSeq && !mayHaveMore)
    if (isLoaded && (isBeyond ? window.follows : window.has(seq)))
      model.activeEnd = isBeyond ? 'newest' : 'oldest'
    else if (isBeyond) await this.#pages.loadNewest(isWanted)
    else await this.#pages.loadAround(seq, isWanted)
    return seq
  }

  async #seqOf(target: JumpTarget): Promise<number> {
    if (target === 'newest') return BEYOND_ALL
    if ('seq' in target) return Math.max(1, target.seq)
    return (await this.#pages.findSeq(target.date)) ?? BEYOND_ALL
  }

  async #loadHead(): Promise<void> {
    const { model } = this.#options
    const { head, target, window } = model
    this.#otherIds.clear()
    const lastBefore = model.isLoaded ? window.last : 0
    await head.fetch(
      async () => {
        const conversation = await this.#fetchHead()
        if (conversation || typeof target !== 'string') model.me ??= await this.#fetchOwnId(conversation)
        return conversation
      },
      (conversation) => {
        if (conversation) model.putHead(conversation, lastBefore)
        // The first message will create it. If that happened during this request, an event has marked the head as stale
        // again.
        else if (typeof target === 'string') model.isLoaded = true
        else model.putNotFound()
      },
    )
    if (head.known && this.#otherIds.has(head.known.id)) head.isStale = true
  }

  /** @returns undefined if it does not exist or the user is not in it. */
  async #fetchHead(): Promise<Conversation | undefined> {
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

  async #fetchOwnId(conversation: Conversation | undefined): Promise<string> {
    const { actAs, me: fetchId } = this.#options.source
    const ref = actAs === undefined ? undefined : foldUserRef(actAs)
    const me = conversation?.participants.find(({ user }) => ref !== undefined && isNamedBy(user, ref))
    return me?.user.id ?? (await fetchId())
  }

  async #loadReadMarks(conversationId: string): Promise<void> {
    const { model, signal, source } = this.#options
    try {
      await model.readMarks.fetch(async () => {
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
      // The user has left in the meantime. The stream reports this, or already did before the user rejoined.
      model.head.isStale = true
    }
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof SottoError && error.code === 'CONVERSATION_NOT_FOUND'
}
