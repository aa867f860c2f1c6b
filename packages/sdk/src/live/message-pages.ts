import type { Message } from '@sotto/contract'
import type { ConversationModel } from './conversation-model.ts'
import type { LiveSource } from './live-state.ts'

/** The longest list that the server answers. */
const MAX_PAGE_SIZE = 200

interface Options {
  model: ConversationModel
  source: LiveSource
  pageSize: number
  /** Ends it. */
  signal: AbortSignal
}

interface Paging {
  before?: number
  after?: number
  since?: Date
}

interface Page {
  items: Message[]
  nextCursor: string | null
}

/** Asks the server for messages, one page or two at a time, and puts them into the window of a ConversationModel. */
export class MessagePages {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /**
   * Begins the window anew with the newest messages.
   *
   * @param isWanted asked when the answer is there: nothing is changed where it is not
   */
  async loadNewest(isWanted: () => boolean): Promise<void> {
    const { model, pageSize } = this.#options
    const { window, knownSeq: upTo } = model
    await window.ask(
      () => this.#ask({}, pageSize),
      ({ items, nextCursor }, put) => {
        if (!isWanted()) return
        model.reader = 'newest'
        model.changeWindow(() => {
          const last = Math.max(upTo, seqOf(items[0]))
          window.restart(last + 1)
          window.cover(nextCursor === null ? 1 : seqOf(items.at(-1)), last)
          window.follow()
          for (const message of items) put(message)
          model.noteSeq(last)
          model.isLoaded = true
          model.mayHaveMore = false
        })
      },
    )
  }

  /** Begins the window anew with a page on either side of a seq, as `loadNewest` does. */
  async loadAround(seq: number, isWanted: () => boolean): Promise<void> {
    const { model, pageSize } = this.#options
    const { window, knownSeq: upTo } = model
    await window.ask(
      () => Promise.all([this.#ask({ before: seq }, pageSize), this.#ask({ after: seq - 1 }, pageSize)]),
      ([older, newer], put) => {
        if (!isWanted()) return
        model.reader = 'oldest'
        model.changeWindow(() => {
          window.restart(seq)
          window.cover(older.nextCursor === null ? 1 : seqOf(older.items.at(-1)), seq - 1)
          for (const message of older.items) put(message)
          this.#append(newer, upTo, put)
          model.isLoaded = true
        })
      },
    )
  }

  /** Adds the page before the window's first message, if there is one. */
  async loadOlder(): Promise<void> {
    const { model, pageSize } = this.#options
    const { window } = model
    const before = window.first
    if (!model.isLoaded || before <= 1) return
    await window.ask(
      () => this.#ask({ before }, pageSize),
      ({ items, nextCursor }, put) => {
        // What is not there any more was let go, or jumped away from.
        if (window.first !== before) return
        model.reader = 'oldest'
        model.changeWindow(() => {
          window.cover(nextCursor === null ? 1 : seqOf(items.at(-1)), before - 1)
          for (const message of items) put(message)
        })
      },
    )
  }

  /** Adds the page after the window's last message, if there is one. */
  async loadNewer(): Promise<void> {
    const { model, pageSize } = this.#options
    if (!model.isLoaded || model.window.follows) return
    await this.#loadNewer(pageSize, () => {
      model.reader = 'newest'
    })
  }

  /** Adds as much of what a window that follows is behind with as one answer has. */
  catchUp(): Promise<void> {
    return this.#loadNewer(MAX_PAGE_SIZE)
  }

  /** Asks anew for as many of the messages that may have changed as one answer has. */
  async loadStale(): Promise<void> {
    const { window } = this.#options.model
    const { stale } = window
    const first = Math.min(...stale)
    const asked = [...stale].filter((seq) => seq < first + MAX_PAGE_SIZE)
    const limit = Math.max(...asked) - first + 1
    await window.ask(
      () => this.#ask({ after: first - 1 }, limit),
      ({ items }, put) => {
        const found = new Set(items.map(({ seq }) => seq))
        for (const message of items) put(message)
        for (const seq of asked) if (!found.has(seq)) stale.delete(seq)
      },
    )
  }

  /** The seq of the first message at this time or later. */
  async findSeq(since: Date): Promise<number | undefined> {
    const { items } = await this.#ask({ since }, 1)
    return items[0]?.seq
  }

  async #loadNewer(limit: number, onJoin = () => {}): Promise<void> {
    const { model } = this.#options
    const { window, knownSeq: upTo } = model
    const after = window.last
    await window.ask(
      () => this.#ask({ after }, limit),
      (answer, put) => {
        // It was caught up with, let go, or jumped away from.
        if (window.last !== after) return
        onJoin()
        model.changeWindow(() => this.#append(answer, upTo, put))
      },
    )
  }

  /** @param upTo the highest seq that was known to exist when it was asked */
  #append({ items, nextCursor }: Page, upTo: number, put: (message: Message) => void): void {
    const { model } = this.#options
    const { window } = model
    const next = window.last + 1
    const last = items.at(-1)?.seq ?? next - 1
    model.noteSeq(seqOf(items.at(-1)))
    // All that is known of was asked for: what did not come is not for this reader.
    window.cover(next, nextCursor === null ? Math.max(upTo, last) : last)
    for (const message of items) put(message)
    if (nextCursor !== null) return
    window.follow()
    model.mayHaveMore = false
  }

  async #ask(paging: Paging, limit: number): Promise<Page> {
    const { model, source, signal } = this.#options
    const { conversationId } = model
    // Before the first message there are none.
    if (conversationId === undefined) return { items: [], nextCursor: null }
    return await source.calls.conversations.messages({ conversationId, ...paging, limit }, { signal })
  }
}

function seqOf(message: Message | undefined): number {
  return message?.seq ?? 0
}
