import type { Executor } from '@sotto/db'
import type { Logger } from 'pino'
import type { Identity } from './identity/identity.ts'
import type { NewId } from './ids.ts'
import type { DeliveryMarks } from './messaging/delivery-marks.ts'

/** The parts of a running server that requests use. Put together in server.ts. */
export interface App {
  readonly db: Executor
  readonly now: () => Date
  readonly newId: NewId
  readonly log: Logger
  readonly identity: Identity
  readonly deliveryMarks: DeliveryMarks
  /** Unicode code points. */
  readonly maxTextLength: number
  readonly signUp: 'open' | 'closed'
}

/** The user whom a request acts for. */
export interface Actor {
  id: string
  username: string
}

/** Who makes a request. */
export type Caller =
  | { kind: 'anonymous' }
  | { kind: 'key'; keyId: string; actor: Actor | undefined }
  | { kind: 'user'; sessionId: string | undefined; actor: Actor }

/** What a use case gets besides its input. */
export interface Context {
  readonly app: App
  readonly caller: Caller
  readonly requestId: string
  /** Set by a use case that found its work done already. */
  readonly outcome: { repeated: boolean }
}
