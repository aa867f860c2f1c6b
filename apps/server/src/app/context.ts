import { type Actor, actorOf, type Caller, type KnownCaller } from '../auth/caller.ts'
import type { Origin } from '../limits/origin.ts'
import type { Transport } from '../metrics/metrics.ts'
import type { App } from './app.ts'

/** The cookie that stores a session token in the browser, inaccessible to scripts. */
export interface SessionCookie {
  /** @throws {SottoError} FORBIDDEN if the page is not allowed to use the cookie, or the browser would not store it. */
  require(): void
  set(token: string, expiresAt: Date): void
  /** Does nothing if the caller did not authenticate with the cookie. */
  clear(): void
}

/** Everything about a request except its input. */
export interface Context extends Origin {
  readonly app: App
  readonly caller: Caller
  /** The user the request acts for; undefined for an anonymous caller or a bare service key. */
  readonly actor: Actor | undefined
  /** The user for whom the client made the request, if it says so. The gate rejects the request for any other user. */
  readonly expectedUser?: string | undefined
  readonly requestId: string
  readonly transport: Transport
  /** The client's User-Agent, shortened; null if not sent. */
  readonly userAgent: string | null
  /** Authenticates again. Set if the context serves a whole connection. */
  readonly reauthenticate?: (() => Promise<Caller>) | undefined
  /** Closes the connection so that the client reconnects. */
  readonly hangUp?: ((reason: 'slow' | 'stopping') => void) | undefined
  /** Resolves when the connection accepts more data. Set if the transport has no backpressure of its own. */
  readonly drained?: (() => Promise<void>) | undefined
  /** A signal that aborts when the caller disconnects, for calls that wait. */
  readonly disconnected?: (() => AbortSignal) | undefined
  /**
   * Runs work once the response has been written. Never runs it if the connection closes before, or for a response
   * without a body. Unset if there is no response.
   */
  readonly onSent?: ((work: () => void) => void) | undefined
  /** Set if the response can carry a cookie. */
  readonly sessionCookie?: SessionCookie | undefined
  /** `repeated` is set by a use case whose work an earlier call has already done. */
  readonly outcome: { repeated: boolean }
}

/** The context of an operation that requires credentials. */
export interface CallerContext extends Context {
  readonly caller: KnownCaller
}

/** The context of an operation that requires an actor. */
export interface ActorContext extends CallerContext {
  readonly actor: Actor
}

declare const mayAdminister: unique symbol

/**
 * The context of an operation for admins: users with the role `admin`, and bare service keys with the scope `admin`.
 * Only the gate creates it, so a use case that requires it cannot be called without the check.
 */
export interface AdminContext extends CallerContext {
  readonly [mayAdminister]: true
}

/** Runs work once the response to a request has been written; immediately if there is no response. */
export function afterSending({ onSent }: Context, work: () => void): void {
  if (onSent) onSent(work)
  else work()
}

/** The same request with another caller. */
export function withCaller(ctx: Context, caller: Caller): Context {
  return { ...ctx, caller, actor: actorOf(caller) }
}
