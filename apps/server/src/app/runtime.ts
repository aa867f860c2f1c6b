import type { EventTransaction, Executor } from '@sotto/db'
import type { Logger } from 'pino'
import type { NewId } from '../lib/ids.ts'
import type { EmitBusinessEvent } from '../metrics/business-events.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Tracing } from '../telemetry/tracing.ts'

/** The dependencies shared by most parts of a running server. */
export interface Runtime {
  readonly db: Executor
  /** Runs a transaction that appends events, and notifies their readers after the commit. */
  readonly write: <Result>(work: (trx: EventTransaction) => Promise<Result>) => Promise<Result>
  /**
   * Reads a list, from the replica if there is one. The result includes everything committed before the call. Not for
   * access checks or the event log.
   */
  readonly read: <Result>(work: (db: Executor) => Promise<Result>) => Promise<Result>
  readonly hasReplica: boolean
  readonly now: () => Date
  readonly newId: NewId
  readonly log: Logger
  readonly metrics: Metrics
  readonly emitBusinessEvent: EmitBusinessEvent
  readonly tracing: Tracing
}
