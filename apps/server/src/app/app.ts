import type { Setting } from '@sotto/contract'
import type { Identity } from '../identity/identity.ts'
import type { SecretBox } from '../identity/secret-box.ts'
import type { JobRunner } from '../jobs/job-runner.ts'
import type { Limits } from '../limits/limits.ts'
import type { DeliveryMarks } from '../messaging/delivery-marks.ts'
import type { SendQueue } from '../messaging/send-queue.ts'
import type { ReachRules } from '../people/reach.ts'
import type { EventHub } from '../realtime/event-hub.ts'
import type { Presence } from '../realtime/presence.ts'
import type { PresenceWatches } from '../realtime/presence-watches.ts'
import type { StreamGuard } from '../realtime/stream-guard.ts'
import type { Typing } from '../realtime/typing.ts'
import type { DailyTally } from '../statistics/daily-tally.ts'
import type { ServerStats } from '../statistics/server-stats.ts'
import type { Totals } from '../statistics/totals.ts'
import type { OutboundRules } from '../webhooks/outbound-rules.ts'
import type { WebhookWorker } from '../webhooks/webhook-worker.ts'
import type { Runtime } from './runtime.ts'

/** The parts of a running server that use cases work with. Assembled in create-app.ts. */
export interface App extends Runtime, ReachRules {
  readonly identity: Identity
  readonly secretBox: SecretBox
  readonly limits: Limits
  readonly sends: SendQueue
  readonly deliveryMarks: DeliveryMarks
  readonly events: EventHub
  readonly streamGuard: StreamGuard
  readonly typing: Typing
  /** Ends what each of two users sees of the other's typing, on all servers. */
  hideTyping(a: string, b: string): void
  readonly presence: Presence
  readonly presenceWatches: PresenceWatches
  readonly jobs: JobRunner
  readonly webhooks: WebhookWorker
  /** Which addresses webhooks may be sent to. */
  readonly outboundRules: OutboundRules
  /** Activity per day. */
  readonly tally: DailyTally
  /** The number of users, conversations and messages. */
  readonly totals: Totals
  /** Statistics of this server only. */
  readonly serverStats: ServerStats
  /** The effective settings, without confidential values. */
  readonly settings: readonly Setting[]
  /** In Unicode code points. */
  readonly maxTextLength: number
  readonly signUp: 'open' | 'closed' | 'invitation'
  /** Whether callers with a signed token can create credentials that outlast it. */
  readonly tokensGrantLastingAccess: boolean
}
