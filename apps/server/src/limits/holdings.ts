/** Counts what each holder has at the moment, up to a bound. Whoever has nothing is not remembered. */
export class Holdings {
  readonly #counts = new Map<string, number>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** @returns false, and counts nothing, when the holder would have more than there may be. What is alone is not too much. */
  take(holder: string, amount = 1): boolean {
    const count = this.#counts.get(holder) ?? 0
    if (count > 0 && count + amount > this.#max) return false
    this.#counts.set(holder, count + amount)
    return true
  }

  /** Gives back what was taken. */
  release(holder: string, amount = 1): void {
    const left = (this.#counts.get(holder) ?? amount) - amount
    if (left > 0) this.#counts.set(holder, left)
    else this.#counts.delete(holder)
  }
}
