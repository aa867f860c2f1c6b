import { asyncIterator } from './runtime-gaps.ts'

/** A page of a list. `nextCursor` is the `cursor` of the next page, or null at the end. */
export interface Page<Item> {
  items: Item[]
  nextCursor: string | null
}

interface ListInput {
  cursor?: string | undefined
  limit?: number | undefined
  page?: number | undefined
  pageSize?: number | undefined
}

/** The order of a list whose items move to its beginning while it is read. */
export interface MovingOrder<Item> {
  idOf: (item: Item) => string
  movedAt: (item: Item) => Date
}

/** Servers' clocks differ, so an item can move behind one that moved before it. In milliseconds. */
const CLOCK_DIFFERENCE_MS = 60_000

/**
 * A list that is read on demand.
 *
 * `await list` returns the first page, `for await (const item of list)` yields every item, and `list.pages()` yields
 * every page. Awaiting sends one request, even if repeated, while each loop starts over. A loop requests a page once it
 * has used up the previous one.
 */
export class List<Item> implements Promise<Page<Item>>, AsyncIterable<Item> {
  readonly [Symbol.toStringTag] = 'List'
  readonly #input: ListInput
  readonly #read: (input: ListInput) => Promise<Page<Item>>
  readonly #order: MovingOrder<Item> | undefined
  #first: Promise<Page<Item>> | undefined

  constructor(input: ListInput, read: (input: ListInput) => Promise<Page<Item>>, order?: MovingOrder<Item>) {
    this.#input = input
    this.#read = read
    this.#order = order
  }

  /** The pages, starting from the input's `cursor` or `page`. Pages before the last one can be short or even empty. */
  async *pages(): AsyncGenerator<Page<Item>, void, undefined> {
    let input = this.#input
    while (true) {
      const page = await this.#read(input)
      yield page
      if (page.nextCursor === null) return
      // Only the first page is requested by number. Later pages use cursors with the same page length.
      const { page: _, pageSize, limit = pageSize, ...rest } = input
      input = { ...rest, ...(limit !== undefined && { limit }), cursor: page.nextCursor }
    }
  }

  /** Items that move to the beginning of the list during a loop come at its end. */
  async *[asyncIterator](): AsyncGenerator<Item, void, undefined> {
    if (this.#order && this.#input.cursor === undefined) yield* this.#withMoved(this.#order)
    else for await (const { items } of this.pages()) yield* items
  }

  async *#withMoved({ idOf, movedAt }: MovingOrder<Item>): AsyncGenerator<Item, void, undefined> {
    const seen = new Set<string>()
    /** The time of the first item when the list was last read from its beginning. */
    let newest: number | undefined
    for (;;) {
      const until = newest === undefined ? undefined : newest - CLOCK_DIFFERENCE_MS
      const known = seen.size
      let pageCount = 0
      let isFirst = true
      let isDone = false
      for await (const { items } of this.pages()) {
        pageCount++
        for (const item of items) {
          const at = movedAt(item).getTime()
          if (isFirst) newest = at
          isFirst = false
          isDone = until !== undefined && at < until
          if (isDone) break
          const id = idOf(item)
          if (seen.has(id)) continue
          seen.add(id)
          yield item
        }
        if (isDone) break
      }
      // Nothing can move away while a single page is read.
      if (until === undefined ? pageCount < 2 : seen.size === known) return
    }
  }

  // biome-ignore lint/suspicious/noThenProperty: a list is awaited for its first page.
  then<Result1 = Page<Item>, Result2 = never>(
    onfulfilled?: ((page: Page<Item>) => Result1 | PromiseLike<Result1>) | null,
    onrejected?: ((reason: unknown) => Result2 | PromiseLike<Result2>) | null,
  ): Promise<Result1 | Result2> {
    return this.#firstPage().then(onfulfilled, onrejected)
  }

  catch<Result = never>(
    onrejected?: ((reason: unknown) => Result | PromiseLike<Result>) | null,
  ): Promise<Page<Item> | Result> {
    return this.#firstPage().catch(onrejected)
  }

  finally(onfinally?: (() => void) | null): Promise<Page<Item>> {
    return this.#firstPage().finally(onfinally)
  }

  #firstPage(): Promise<Page<Item>> {
    this.#first ??= this.#read(this.#input)
    return this.#first
  }
}
