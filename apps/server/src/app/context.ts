import type { KeyScope, Setting } from '@sotto/contract'
import type { Executor } from '@sotto/db'
import type { Logger } from 'pino'
import type { Identity } from '../identity/identity.ts'
import type { SecretBox } from '../identity/secret-box.ts'
import type { JobRunner } from '../jobs/job-runner.ts'
import type { NewId } from '../lib/ids.ts'
import type { Quota } from '../limits/buckets.ts'
import type { Limits } from '../limits/limits.ts'
import type { DeliveryMarks } from '../messaging/delivery-marks.ts'
import type { SendQueue } from '../messaging/send-queue.ts'
import type { TellBusinessEvent } from '../metrics/business-events.ts'
import type { Metrics, Transport } from '../metrics/metrics.ts'
import type { EventHub } from '../realtime/event-hub.ts'
import type { Presence } from '../realtime/presence.ts'
import type { StreamGuard } from '../realtime/stream-guard.ts'
import type { Typing } from '../realtime/typing.ts'
import type { DailyTally } from '../statistics/daily-tally.ts'
import type { ServerNumbers } from '../statistics/server-numbers.ts'
import type { Totals } from '../statistics/totals.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import type { OutboundRules } from '../webhooks/outbound-rules.ts'
import type { WebhookWorker } from '../webhooks/webhook-worker.ts'

/** The parts of a running server that requests use. Put together in server.ts. */
export interface App {
  readonly db: Executor
  /** Runs a transaction that appends events, and tells those who read them. */
  readonly write: <Result>(work: (trx: Executor) => Promise<Result>) => Promise<Result>
  /**
   * Runs what reads a list, and nothing else, on a replica where there is one: it shows at least what was committed
   * by now. Not for who may see what, nor for the event log.
   */
  readonly read: <Result>(work: (db: Executor) => Promise<Result>) => Promise<Result>
  readonly now: () => Date
  readonly newId: NewId
  readonly log: Logger
  readonly identity: Identity
  readonly secretBox: SecretBox
  readonly limits: Limits
  readonly sends: SendQueue
  readonly deliveryMarks: DeliveryMarks
  readonly events: EventHub
  readonly streamGuard: StreamGuard
  readonly typing: Typing
  readonly presence: Presence
  readonly jobs: JobRunner
  readonly webhooks: WebhookWorker
  /** Where webhooks may go. */
  readonly outboundRules: OutboundRules
  readonly metrics: Metrics
  /** What happened by day, how much there is in all, and what this server knows of itself. */
  readonly tally: DailyTally
  readonly totals: Totals
  readonly numbers: ServerNumbers
  /** As they are in force, without what is confidential. */
  readonly settings: readonly Setting[]
  readonly tellBusiness: TellBusinessEvent
  readonly tracing: Tracing
  /** Unicode code points. */
  readonly maxTextLength: number
  readonly signUp: 'open' | 'closed' | 'invitation'
  /** Between whom direct messages go. */
  readonly directMessages: 'everyone' | 'contacts'
}

/** The user whom a request acts for. */
export interface Actor {
  id: string
  username: string
}

/**
 * What a user showed: the token of a session; a password, known by the hash that it was checked against; or a token
 * that the host signed.
 */
export type UserCredential =
  | { kind: 'session'; id: string }
  | { kind: 'password'; hash: string }
  | { kind: 'token'; expiresAt: Date }

/** Who makes a request. */
export type Caller =
  | { kind: 'anonymous' }
  | { kind: 'key'; keyId: string; scopes: ReadonlySet<KeyScope>; actor: Actor | undefined }
  | { kind: 'user'; credential: UserCredential; actor: Actor; isAdmin: boolean }

/** Keeps the token of a session in the caller's browser, out of reach of its pages' scripts. */
export interface SessionCookie {
  /** @throws {SottoError} FORBIDDEN where the page may not have one, or its browser would not keep it. */
  require(): void
  set(token: string, expiresAt: Date): void
  /** Does nothing for a caller who is not known by it. */
  clear(): void
}

/** Where a request came from. */
export interface Origin {
  /** For limits and the audit; null for a command. */
  readonly address: string | null
  /** Is told what is left of a limit whenever something was charged. */
  readonly onQuota?: ((quota: Quota) => void) | undefined
}

/** What a use case gets besides its input. */
export interface Context extends Origin {
  readonly app: App
  readonly caller: Caller
  readonly requestId: string
  readonly transport: Transport
  /** What the client calls itself, of bounded length; null when it does not say. */
  readonly userAgent: string | null
  /** Asks again who calls, where one context serves a connection for as long as it lives. */
  readonly reauthenticate?: (() => Promise<Caller>) | undefined
  /** Ends the connection in a way that its client comes back from. */
  readonly hangUp?: ((reason: 'slow' | 'stopping') => void) | undefined
  /** Resolves when the connection takes more, where whoever writes to it is not made to wait otherwise. */
  readonly drained?: (() => Promise<void>) | undefined
  /**
   * Counts what has been read for the caller, in bytes, until the answer has left. Set where answers can wait for a
   * caller who does not take them.
   *
   * @throws {SottoError} RATE_LIMITED when too much waits already.
   */
  readonly holdAnswer?: ((bytes: number) => void) | undefined
  /** Aborted when the caller has gone, for what waits. */
  readonly gone?: (() => AbortSignal) | undefined
  /** Where the transport's answer can carry one. */
  readonly sessionCookie?: SessionCookie | undefined
  /** Set by a use case that found its work done already. */
  readonly outcome: { repeated: boolean }
}
