import type { Conversation, Event, Message } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { ConversationModel } from './conversation-model.ts'
import type { LiveSource, ReadMark } from './live-state.ts'
import type { Pauses } from './pauses.ts'

/** The longest list that the server answers. */
const MAX_PAGE_SIZE = 200
/** Who is further behind begins again with the newest messages. */
const MAX_GAP = 1_000

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
  #isRunning = false
  #older: Promise<void> | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** To be called whenever something may be missing. */
  run(): void {
    if (this.#isRunning || this.#options.signal.aborted) return
    this.#isRunning = true
    void this.#untilCurrent().finally(() => {
      this.#isRunning = false
    })
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

  /** Adds the page before the first message, if there is one. */
  loadOlder(): Promise<void> {
    this.#older ??= this.#loadOlder().finally(() => {
      this.#older = undefined
    })
    return this.#older
  }

  async #untilCurrent(): Promise<void> {
    const { pauses, signal, onChange, onError, onFailure } = this.#options
    for (let attempt = 1; !signal.aborted; ) {
      try {
        if (!(await this.#askForMore())) return
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
  }

  /** @returns whether there was anything to ask for. */
  async #askForMore(): Promise<boolean> {
    const { head, window, readMarks, isLoaded, conversationId: id } = this.#options.model
    if (head.isStale) await this.#loadHead()
    else if (id === undefined) return false
    else if (!isLoaded) await this.#loadNewest(id)
    else if (this.#isBehind) await this.#loadNewer(id)
    else if (window.stale.size > 0) await this.#loadStale(id)
    else if (readMarks.isStale && head.known?.kind === 'group' && !head.hasLeft) await this.#loadReadMarks(id)
    else return false
    return true
  }

  get #isBehind(): boolean {
    const { knownSeq, mayHaveMore, window } = this.#options.model
    return mayHaveMore || knownSeq > window.last
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

  async #loadNewest(conversationId: string): Promise<void> {
    const { model, pageSize: limit, signal, source } = this.#options
    const upTo = model.knownSeq
    await model.window.ask(
      async () => await source.calls.conversations.messages({ conversationId, limit }, { signal }),
      ({ items, nextCursor }, put) => {
        const last = Math.max(upTo, items[0]?.seq ?? 0)
        model.window.restart(last + 1)
        model.window.cover(nextCursor === null ? 1 : seqOf(items.at(-1)), last)
        for (const message of items) put(message)
        model.isLoaded = true
        model.mayHaveMore = false
      },
    )
  }

  async #loadNewer(conversationId: string): Promise<void> {
    const { model, signal, source } = this.#options
    const { window, knownSeq: upTo } = model
    const after = window.last
    if (upTo - after > MAX_GAP) {
      model.isLoaded = false
      return
    }
    await window.ask(
      async () =>
        await source.calls.conversations.messages(
          { conversationId, after, limit: MAX_PAGE_SIZE },
          { signal },
        ),
      ({ items, nextCursor }, put) => {
        const last = seqOf(items.at(-1))
        // All that is known of was asked for: what did not come is not for this reader.
        window.cover(after + 1, nextCursor === null ? Math.max(upTo, last) : last)
        if (nextCursor === null) model.mayHaveMore = false
        for (const message of items) put(message)
      },
    )
  }

  async #loadStale(conversationId: string): Promise<void> {
    const { model, signal, source } = this.#options
    const { stale } = model.window
    const first = Math.min(...stale)
    const asked = [...stale].filter((seq) => seq < first + MAX_PAGE_SIZE)
    const limit = Math.max(...asked) - first + 1
    await model.window.ask(
      async () =>
        await source.calls.conversations.messages({ conversationId, after: first - 1, limit }, { signal }),
      ({ items }, put) => {
        const found = new Set(items.map(({ seq }) => seq))
        for (const message of items) put(message)
        for (const seq of asked) if (!found.has(seq)) stale.delete(seq)
      },
    )
  }

  async #loadReadMarks(conversationId: string): Promise<void> {
    const { model, signal, source } = this.#options
    try {
      await model.readMarks.ask(async () => {
        const marks: ReadMark[] = []
        const receipts = source.calls.conversations.receipts(
          { conversationId, limit: MAX_PAGE_SIZE },
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

  async #loadOlder(): Promise<void> {
    const { model, pageSize: limit, signal, source, onChange } = this.#options
    const { window, conversationId, isLoaded } = model
    const before = window.first
    if (conversationId === undefined || !isLoaded || before <= 1) return
    await window.ask(
      async () => await source.calls.conversations.messages({ conversationId, before, limit }, { signal }),
      ({ items, nextCursor }, put) => {
        window.cover(nextCursor === null ? 1 : seqOf(items.at(-1)), before - 1)
        for (const message of items) put(message)
      },
    )
    onChange()
    this.run()
  }
}

function seqOf(message: Message | undefined): number {
  return message?.seq ?? 0
}

function isNotFound(error: unknown): boolean {
  return error instanceof SottoError && error.code === 'CONVERSATION_NOT_FOUND'
}
