/** Counts what each holder currently has, up to a limit. Holders without anything are not stored. */
export class Holdings {
  readonly #counts = new Map<string, number>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** @returns false without counting if the holder would exceed the limit. A single item is never too much. */
  take(holder: string, amount = 1): boolean {
    const count = this.#counts.get(holder) ?? 0
    if (count > 0 && count + amount > this.#max) return false
    this.#counts.set(holder, count + amount)
    return true
  }

  /** Releases what was taken. */
  release(holder: string, amount = 1): void {
    const left = (this.#counts.get(holder) ?? amount) - amount
    if (left > 0) this.#counts.set(holder, left)
    else this.#counts.delete(holder)
  }
}
