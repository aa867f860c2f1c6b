/** A list's answer. `nextCursor` is the `cursor` of the page after it, null at the end. */
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

/**
 * A list of which nothing has been read yet.
 *
 * `await list` is its first page, `for await (const item of list)` every item, `list.pages()` every page. Awaiting
 * asks the server once, every loop asks it anew; a loop asks for a page when it has come to its end.
 */
export class List<Item> implements Promise<Page<Item>>, AsyncIterable<Item> {
  readonly [Symbol.toStringTag] = 'List'
  readonly #input: ListInput
  readonly #read: (input: ListInput) => Promise<Page<Item>>
  #first: Promise<Page<Item>> | undefined

  constructor(input: ListInput, read: (input: ListInput) => Promise<Page<Item>>) {
    this.#input = input
    this.#read = read
  }

  /** The pages from the input's own `cursor` or `page` on. Pages can be short, even empty, before the last one. */
  async *pages(): AsyncGenerator<Page<Item>, void, undefined> {
    let input = this.#input
    while (true) {
      const answer = await this.#read(input)
      yield answer
      if (answer.nextCursor === null) return
      // Only the first page has a number; from there on it is cursors, over pages of the same length.
      const { page: _, pageSize, limit = pageSize, ...rest } = input
      input = { ...rest, ...(limit !== undefined && { limit }), cursor: answer.nextCursor }
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const { items } of this.pages()) yield* items
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
