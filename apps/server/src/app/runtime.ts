import type { EventTransaction, Executor } from '@sotto/db'
import type { Logger } from 'pino'
import type { NewId } from '../lib/ids.ts'
import type { EmitBusinessEvent } from '../metrics/business-events.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Tracing } from '../telemetry/tracing.ts'

/** What every part of a running server may need. */
export interface Runtime {
  readonly db: Executor
  /** Runs a transaction that appends events, and notifies their readers after the commit. */
  readonly write: <Result>(work: (trx: EventTransaction) => Promise<Result>) => Promise<Result>
  /**
   * Runs what reads a list, and nothing else, on a replica if there is one. It shows at least what is committed by
   * now. Not for access checks, nor for the event log.
   */
  readonly read: <Result>(work: (db: Executor) => Promise<Result>) => Promise<Result>
  readonly now: () => Date
  readonly newId: NewId
  readonly log: Logger
  readonly metrics: Metrics
  readonly emitBusinessEvent: EmitBusinessEvent
  readonly tracing: Tracing
}
