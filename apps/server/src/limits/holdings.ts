/** Counts what each holder has at the moment, up to a bound. Whoever has nothing is not remembered. */
export class Holdings {
  readonly #counts = new Map<string, number>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** @returns false, and counts nothing, when the holder has as many as there may be. */
  take(holder: string): boolean {
    const count = this.#counts.get(holder) ?? 0
    if (count >= this.#max) return false
    this.#counts.set(holder, count + 1)
    return true
  }

  /** Gives back one that was taken. */
  release(holder: string): void {
    const left = (this.#counts.get(holder) ?? 1) - 1
    if (left > 0) this.#counts.set(holder, left)
    else this.#counts.delete(holder)
  }
}
