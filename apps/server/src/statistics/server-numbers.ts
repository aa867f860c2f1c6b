import { type ErrorCode, errorCatalogue } from '@sotto/contract'
import { readVersion } from '../lib/version.ts'
import type { AnsweredCall, Metrics } from '../metrics/metrics.ts'

/** The least that a server knows of itself, measured or not. */
export class ServerNumbers implements Pick<Metrics, 'answered' | 'eventHandedOn'> {
  readonly version = readVersion()
  readonly startedAt: Date
  calls = 0
  /** Of them those that the server is at fault for: its own errors, and what it could not answer. */
  failures = 0
  /** Of the last event that went to streams; undefined before the first. */
  logDelaySeconds: number | undefined

  constructor(startedAt: Date) {
    this.startedAt = startedAt
  }

  answered({ code }: AnsweredCall): void {
    this.calls += 1
    if (code !== 'ok' && isFailure(code)) this.failures += 1
  }

  eventHandedOn(afterSeconds: number): void {
    // Clocks of two servers may differ by more than the way takes.
    this.logDelaySeconds = Math.max(0, afterSeconds)
  }
}

function isFailure(code: ErrorCode): boolean {
  return errorCatalogue[code].status >= 500
}
