import { type Actor, actorOf, type Caller, type KnownCaller } from '../auth/caller.ts'
import type { Origin } from '../limits/origin.ts'
import type { Transport } from '../metrics/metrics.ts'
import type { App } from './app.ts'

/** Keeps a session's token in the caller's browser, out of reach of its pages' scripts. */
export interface SessionCookie {
  /** @throws {SottoError} FORBIDDEN if the page may not have one, or its browser would not keep it. */
  require(): void
  set(token: string, expiresAt: Date): void
  /** Does nothing for a caller who did not authenticate with it. */
  clear(): void
}

/** What a use case gets besides its input. */
export interface Context extends Origin {
  readonly app: App
  readonly caller: Caller
  /** The user whom the request acts for; undefined for an anonymous caller and a bare service key. */
  readonly actor: Actor | undefined
  readonly requestId: string
  readonly transport: Transport
  /** The client's User-Agent, of bounded length; null without one. */
  readonly userAgent: string | null
  /** Authenticates again, where one context serves a connection for as long as it lives. */
  readonly reauthenticate?: (() => Promise<Caller>) | undefined
  /** Ends the connection in a way that its client recovers from. */
  readonly hangUp?: ((reason: 'slow' | 'stopping') => void) | undefined
  /** Resolves when the connection accepts more, where nothing else makes a writer wait. */
  readonly drained?: (() => Promise<void>) | undefined
  /**
   * Counts what has been read for the caller, in bytes, until the answer is sent. Set where answers can wait for a
   * caller who does not read them.
   *
   * @throws {SottoError} RATE_LIMITED if too much is waiting already.
   */
  readonly holdAnswer?: ((bytes: number) => void) | undefined
  /** Aborted when the caller disconnects, for calls that wait. */
  readonly gone?: (() => AbortSignal) | undefined
  /** Set where the transport's answer can carry one. */
  readonly sessionCookie?: SessionCookie | undefined
  /** Set by a use case that found its work done already. */
  readonly outcome: { repeated: boolean }
}

/** The context of an operation that needs credentials. */
export interface CallerContext extends Context {
  readonly caller: KnownCaller
}

/** The context of an operation that needs a user to act for. */
export interface ActorContext extends CallerContext {
  readonly actor: Actor
}

declare const mayAdminister: unique symbol

/**
 * The context of an operation that is for admins: users who are one, and service keys with the scope `admin` that act
 * for no user. Only the gate gives it, so a use case that takes it cannot be called by anyone else.
 */
export interface AdminContext extends CallerContext {
  readonly [mayAdminister]: true
}

/** The same request with another caller. */
export function withCaller(ctx: Context, caller: Caller): Context {
  return { ...ctx, caller, actor: actorOf(caller) }
}
