import { type ErrorCode, errorCatalogue } from '@sotto/contract'
import { readVersion } from '../lib/version.ts'
import type { FinishedCall, Metrics } from '../metrics/metrics.ts'

/** Basic statistics that every server keeps, even without metrics. */
export class ServerStats implements Pick<Metrics, 'callFinished' | 'eventDispatched'> {
  readonly version = readVersion()
  readonly startedAt: Date
  calls = 0
  /** Calls that failed with a 5xx error. */
  failures = 0
  /** The delay of the last event that was passed to streams; undefined before the first. */
  logDelaySeconds: number | undefined

  constructor(startedAt: Date) {
    this.startedAt = startedAt
  }

  callFinished({ code }: FinishedCall): void {
    this.calls += 1
    if (code !== 'ok' && isServerError(code)) this.failures += 1
  }

  eventDispatched(afterSeconds: number): void {
    // The value is negative if the clocks of two servers differ by more than the delay.
    this.logDelaySeconds = Math.max(0, afterSeconds)
  }
}

function isServerError(code: ErrorCode): boolean {
  return errorCatalogue[code].status >= 500
}
