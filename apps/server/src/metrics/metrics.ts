import type { ErrorCode } from '@sotto/contract'
import type { BusinessEvents } from './business-events.ts'

/**
 * How a call came in. `rest` and `rpc` are single requests, `stream` Server-Sent Events of either, `ws` a WebSocket.
 * A `command` has no server that would be measured.
 */
export type Transport = 'rest' | 'rpc' | 'ws' | 'stream' | 'command'

/** A call that was answered. */
export interface AnsweredCall {
  /** `messages.send`; `unknown` for what reached no operation. Never what a caller made up. */
  operation: string
  transport: Transport
  code: ErrorCode | 'ok'
  /** Undefined where nobody knows: what was refused before it reached its operation. */
  seconds?: number | undefined
}

/** Why a stream ended before its reader wanted it to. */
export type EndReason = 'slow' | 'unauthenticated' | 'stopping'

/** `retried`: will be tried again. `gone`: the receiver wants no more, and the webhook is disabled. */
export type WebhookOutcome = 'delivered' | 'retried' | 'failed' | 'gone'

/**
 * What the parts of a server tell of what happens, where an operator asks for it. What can be read off a part at any
 * time (queues, pools) is not told, but read when it is asked for.
 */
export interface Metrics {
  /** A stream counts when it has been opened. */
  answered(call: AnsweredCall): void
  /** A message was stored; one that is repeated was before. */
  sent(): void
  streamOpened(transport: Transport): void
  /** Without a reason it was the reader who left. */
  streamClosed(transport: Transport, reason: EndReason | undefined): void
  /** One stream has taken one event or signal. */
  eventTaken(): void
  /** An event of the log went to the streams of all those concerned, so long after it was written. */
  eventHandedOn(afterSeconds: number): void
  hintSent(): void
  hintReceived(): void
  /** The poll found events that no hint had told of. */
  hintMissed(): void
  rateLimited(policy: string): void
  /** With a replica: a list was read there, or on the primary. */
  listRead(place: 'replica' | 'primary'): void
  /** SQLite: so many transactions shared a commit. */
  committed(transactions: number): void
  /** A receiver was asked to take an event. */
  webhookAttempted(outcome: WebhookOutcome, seconds: number): void
  businessEvent(name: keyof BusinessEvents): void
}

/** Tells both of everything: the second of what it wants to hear. */
export function combineMetrics(first: Metrics, second: Partial<Metrics>): Metrics {
  const names = Object.keys(noMetrics) as (keyof Metrics)[]
  const told = names.map((name) => {
    // Each takes what its own name takes, which a union of all of them does not tell the compiler.
    const reportFirst = first[name].bind(first) as (...values: unknown[]) => void
    const reportSecond = second[name]?.bind(second) as typeof reportFirst | undefined
    const tell = (...values: unknown[]) => {
      reportFirst(...values)
      reportSecond?.(...values)
    }
    return [name, tell]
  })
  return Object.fromEntries(told) as Metrics
}

/** For a server that nobody measures. */
export const noMetrics: Metrics = {
  answered() {},
  sent() {},
  streamOpened() {},
  streamClosed() {},
  eventTaken() {},
  eventHandedOn() {},
  hintSent() {},
  hintReceived() {},
  hintMissed() {},
  rateLimited() {},
  listRead() {},
  committed() {},
  webhookAttempted() {},
  businessEvent() {},
}
