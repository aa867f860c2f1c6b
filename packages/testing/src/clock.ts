/** The server's time. It is the real one until a test sets it; then it stands still until it is moved. */
export interface TestClock {
  now(): Date
  /** Stops the clock at this time. */
  set(time: Date | string): void
  /** Moves the clock forward, stopping it where it is. */
  advance(milliseconds: number): void
  /** Goes on with the real time. */
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
