/** Prints the result of each check on one line. */
export class Findings {
  #failed = 0

  /** The number of failed checks. */
  get failed(): number {
    return this.#failed
  }

  /** @param details printed whether or not the check passed */
  check(claim: string, passed: boolean, details = ''): void {
    if (!passed) this.#failed++
    console.log(`${passed ? 'ok    ' : 'FAILED'}  ${claim}${details && `: ${details}`}`)
  }

  /** Prints information that is not checked. */
  note(text: string): void {
    console.log(`        ${text}`)
  }
}

export function secondsSince(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`
}
