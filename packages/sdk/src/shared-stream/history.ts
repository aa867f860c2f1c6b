import type { Entry } from './messages.ts'

/** More than arrive while a tab joins. */
const MAX_ENTRIES = 1_000

/** The latest entries of a stream, without a gap. */
export class History {
  #entries: Entry[] = []

  /** The current position. */
  get cursor(): string | undefined {
    return this.#entries.at(-1)?.cursor
  }

  add(entry: Entry): void {
    this.#entries.push(entry)
    // In steps, because it moves all entries.
    if (this.#entries.length > 2 * MAX_ENTRIES) this.#entries.splice(0, MAX_ENTRIES)
  }

  /** Starts again at this position. */
  reset(cursor: string): void {
    this.#entries = [{ cursor }]
  }

  /**
   * The entries after this position, with the signals, which have the position of the event before them. Undefined if
   * the position is not known.
   */
  after(cursor: string): Entry[] | undefined {
    const index = this.#entries.findIndex((entry) => entry.cursor === cursor)
    return index === -1 ? undefined : this.#entries.slice(index + 1)
  }
}
