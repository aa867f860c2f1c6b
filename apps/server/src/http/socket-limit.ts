import { SottoError } from '@sotto/contract'
import type { Caller } from '../auth/caller.ts'
import { Holdings } from '../limits/holdings.ts'

/** The maximum number of open WebSockets per user, the same as for streams. */
const MAX_SOCKETS_PER_USER = 20
/** How long an anonymous WebSocket stays open, in milliseconds: enough time to sign in. */
const ANONYMOUS_MS = 60_000

/** The part of a WebSocket used here. */
interface Socket {
  once(event: 'close', listener: () => void): unknown
  close(): void
}

/** Limits open WebSockets per user, so that one user cannot take all connections. Bare service keys are exempt. */
export class SocketLimit {
  readonly #holdings = new Holdings(MAX_SOCKETS_PER_USER)

  /**
   * Counts the socket for its caller until it closes.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  hold(caller: Caller, socket: Socket): void {
    if (caller.kind === 'anonymous') {
      const timer = setTimeout(() => socket.close(), ANONYMOUS_MS)
      timer.unref()
      socket.once('close', () => clearTimeout(timer))
    } else if (caller.actor) {
      this.#count(caller.actor.id, socket)
    }
  }

  #count(userId: string, socket: Socket): void {
    if (!this.#holdings.take(userId)) {
      throw new SottoError('RATE_LIMITED', {
        detail: `a user can have at most ${MAX_SOCKETS_PER_USER} WebSockets`,
      })
    }
    socket.once('close', () => this.#holdings.release(userId))
  }
}
