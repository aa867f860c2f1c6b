import type { Message } from '@sotto/contract'
import type { ConversationModel } from './conversation-model.ts'
import type { LiveSource } from './live-state.ts'

/** The server's maximum page size. */
const MAX_PAGE_SIZE = 200

interface Options {
  model: ConversationModel
  source: LiveSource
  pageSize: number
  /** Aborts requests. */
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

/** Fetches pages of messages and puts them into the window of a ConversationModel. */
export class MessagePages {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /**
   * Restarts the window with the newest messages.
   *
   * @param isWanted called when the response has arrived; if false, nothing changes
   */
  async loadNewest(isWanted: () => boolean): Promise<void> {
    const { model, pageSize } = this.#options
    const { window, knownSeq: upTo } = model
    await window.fetch(
      () => this.#fetch({}, pageSize),
      ({ items, nextCursor }, put) => {
        if (!isWanted()) return
        model.activeEnd = 'newest'
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

  /** Restarts the window with a page on each side of a seq, like `loadNewest`. */
  async loadAround(seq: number, isWanted: () => boolean): Promise<void> {
    const { model, pageSize } = this.#options
    const { window, knownSeq: upTo } = model
    await window.fetch(
      () => Promise.all([this.#fetch({ before: seq }, pageSize), this.#fetch({ after: seq - 1 }, pageSize)]),
      ([older, newer], put) => {
        if (!isWanted()) return
        model.activeEnd = 'oldest'
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
    await window.fetch(
      () => this.#fetch({ before }, pageSize),
      ({ items, nextCursor }, put) => {
        // The window has dropped this position or moved away.
        if (window.first !== before) return
        model.activeEnd = 'oldest'
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
      model.activeEnd = 'newest'
    })
  }

  /** Adds as many of the messages missing at the end as one response can hold. */
  catchUp(): Promise<void> {
    return this.#loadNewer(MAX_PAGE_SIZE)
  }

  /** Fetches possibly outdated messages again, as many as one response can hold. */
  async loadStale(): Promise<void> {
    const { window } = this.#options.model
    const { stale } = window
    const first = Math.min(...stale)
    const requested = [...stale].filter((seq) => seq < first + MAX_PAGE_SIZE)
    const limit = Math.max(...requested) - first + 1
    await window.fetch(
      () => this.#fetch({ after: first - 1 }, limit),
      ({ items }, put) => {
        const found = new Set(items.map(({ seq }) => seq))
        for (const message of items) put(message)
        for (const seq of requested) if (!found.has(seq)) stale.delete(seq)
      },
    )
  }

  /** The seq of the first message at this time or later. */
  async findSeq(since: Date): Promise<number | undefined> {
    const { items } = await this.#fetch({ since }, 1)
    return items[0]?.seq
  }

  async #loadNewer(limit: number, onAppend = () => {}): Promise<void> {
    const { model } = this.#options
    const { window, knownSeq: upTo } = model
    const after = window.last
    await window.fetch(
      () => this.#fetch({ after }, limit),
      (page, put) => {
        // The window has caught up, dropped this position or moved away.
        if (window.last !== after) return
        onAppend()
        model.changeWindow(() => this.#append(page, upTo, put))
      },
    )
  }

  /** @param upTo the highest known seq at the time of the request */
  #append({ items, nextCursor }: Page, upTo: number, put: (message: Message) => void): void {
    const { model } = this.#options
    const { window } = model
    const next = window.last + 1
    const last = items.at(-1)?.seq ?? next - 1
    model.noteSeq(seqOf(items.at(-1)))
    // All known messages were requested, so the user cannot read those that are missing.
    window.cover(next, nextCursor === null ? Math.max(upTo, last) : last)
    for (const message of items) put(message)
    if (nextCursor !== null) return
    window.follow()
    model.mayHaveMore = false
  }

  async #fetch(paging: Paging, limit: number): Promise<Page> {
    const { model, source, signal } = this.#options
    const { conversationId } = model
    // Before the first message, the conversation does not exist.
    if (conversationId === undefined) return { items: [], nextCursor: null }
    return await source.calls.conversations.messages({ conversationId, ...paging, limit }, { signal })
  }
}

function seqOf(message: Message | undefined): number {
  return message?.seq ?? 0
}
