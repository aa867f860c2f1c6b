/** The server's clock. It follows the real time until a test sets it, and then changes only when a test moves it. */
export interface TestClock {
  now(): Date
  /** Stops the clock at this time. */
  set(time: Date | string): void
  /** Moves the clock forward and stops it there. */
  advance(milliseconds: number): void
  /** Returns to the real time. */
  release(): void
}

export function createClock(): TestClock {
  let stoppedAt: number | undefined
  function now(): Date {
    return new Date(stoppedAt ?? Date.now())
  }
  return {
    now,
    set(time) {
      stoppedAt = new Date(time).getTime()
    },
    advance(milliseconds) {
      stoppedAt = now().getTime() + milliseconds
    },
    release() {
      stoppedAt = undefined
    },
  }
}
