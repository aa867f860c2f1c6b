import type { ErrorCode } from '@sotto/contract'
import type { BusinessEvents } from './business-events.ts'

/**
 * How a call arrived. `rest` and `rpc` are single requests, `stream` is Server-Sent Events over either, and `ws` is a
 * WebSocket. Calls of a `command` are not measured.
 */
export type Transport = 'rest' | 'rpc' | 'ws' | 'stream' | 'command'

/** A finished call. */
export interface FinishedCall {
  /** For example `messages.send`; `unknown` if no operation was reached. Never text from the caller. */
  operation: string
  transport: Transport
  code: ErrorCode | 'ok'
  /** Undefined if the call was rejected before it reached its operation. */
  seconds?: number | undefined
}

/** Why the server ended a stream. */
export type EndReason = 'slow' | 'unauthenticated' | 'stopping'

/** `retried`: will be tried again. `gone`: the receiver rejects all further events, and the webhook is disabled. */
export type WebhookOutcome = 'delivered' | 'retried' | 'failed' | 'gone'

/**
 * Receives what the parts of a server report. Values that can be read at any time, such as queue lengths, are not
 * reported but read on demand.
 */
export interface Metrics {
  /** A stream counts once it is open. */
  callFinished(call: FinishedCall): void
  /** A message was stored. Not called for repeated sends. */
  messageSent(): void
  streamOpened(transport: Transport): void
  /** Without a reason, the reader ended the stream. */
  streamClosed(transport: Transport, reason: EndReason | undefined): void
  /** A stream has taken an event or signal. */
  eventDelivered(): void
  /** A log event was passed to the streams of its audience, this long after it was written. */
  eventDispatched(afterSeconds: number): void
  hintSent(): void
  hintReceived(): void
  /** Polling found events for which no hint had arrived. */
  hintMissed(): void
  rateLimited(policy: string): void
  /** A list was read. Only called with a replica. */
  listRead(place: 'replica' | 'primary'): void
  /** SQLite: this many transactions shared a commit. */
  groupCommitted(transactions: number): void
  /** An attempt to deliver an event to a webhook has ended. */
  webhookAttempted(outcome: WebhookOutcome, seconds: number): void
  businessEvent(name: keyof BusinessEvents): void
}

/** Reports to both: everything to the first, and to the second what it implements. */
export function combineMetrics(first: Metrics, second: Partial<Metrics>): Metrics {
  const names = Object.keys(noMetrics) as (keyof Metrics)[]
  const combined = names.map((name) => {
    // Each method takes its own parameters, which the compiler cannot infer from a union of names.
    const reportFirst = first[name].bind(first) as (...values: unknown[]) => void
    const reportSecond = second[name]?.bind(second) as typeof reportFirst | undefined
    const reportBoth = (...values: unknown[]) => {
      reportFirst(...values)
      reportSecond?.(...values)
    }
    return [name, reportBoth]
  })
  return Object.fromEntries(combined) as Metrics
}

/** Ignores everything, for servers without metrics. */
export const noMetrics: Metrics = {
  callFinished() {},
  messageSent() {},
  streamOpened() {},
  streamClosed() {},
  eventDelivered() {},
  eventDispatched() {},
  hintSent() {},
  hintReceived() {},
  hintMissed() {},
  rateLimited() {},
  listRead() {},
  groupCommitted() {},
  webhookAttempted() {},
  businessEvent() {},
}
