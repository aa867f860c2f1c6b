/** What was claimed and what was seen, a line each. */
export class Findings {
  #broken = 0

  /** How many claims did not hold. */
  get broken(): number {
    return this.#broken
  }

  /** @param seen what there is to know of it, held or not. */
  check(claim: string, held: boolean, seen = ''): void {
    if (!held) this.#broken++
    console.log(`${held ? 'held  ' : 'BROKEN'}  ${claim}${seen && `: ${seen}`}`)
  }

  /** What nobody claims anything about. */
  note(what: string): void {
    console.log(`        ${what}`)
  }
}

export function secondsSince(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`
}
