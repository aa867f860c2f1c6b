import { SottoError } from '@sotto/contract'
import type { Caller } from '../auth/caller.ts'
import { Holdings } from '../limits/holdings.ts'
import { networkOf } from '../limits/network-of.ts'

/** The maximum number of open WebSockets per user, the same as for streams. */
const MAX_SOCKETS_PER_USER = 20
/**
 * The maximum number of open WebSockets per address without a known user or key. Everyone in an office can reconnect at
 * once, because authenticating takes milliseconds.
 */
const MAX_ANONYMOUS_PER_ADDRESS = 100
/** How long an anonymous WebSocket stays open, in milliseconds: enough time to sign in. */
const ANONYMOUS_MS = 60_000

/** The part of a WebSocket used here. */
interface Socket {
  once(event: 'close', listener: () => void): unknown
  close(): void
}

/** A WebSocket that is counted for its address until its caller is known. */
export interface Arrival {
  /**
   * Counts the socket for its caller until it closes. An anonymous one remains counted for its address.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  identify(caller: Caller): void
}

/**
 * Limits open WebSockets per user, and per address as long as there is no user, so that no one can take all
 * connections. Bare service keys are exempt.
 */
export class SocketLimit {
  readonly #byUser = new Holdings(MAX_SOCKETS_PER_USER)
  readonly #byAddress = new Holdings(MAX_ANONYMOUS_PER_ADDRESS)

  /**
   * Counts a new socket for its address.
   *
   * @throws {SottoError} RATE_LIMITED
   */
  arrive(address: string, socket: Socket): Arrival {
    const network = networkOf(address)
    if (!this.#byAddress.take(network)) {
      throw new SottoError('RATE_LIMITED', {
        detail: `an address can have at most ${MAX_ANONYMOUS_PER_ADDRESS} WebSockets without credentials`,
      })
    }
    let isAnonymous = true
    const leaveAddress = () => {
      if (isAnonymous) this.#byAddress.release(network)
      isAnonymous = false
    }
    socket.once('close', leaveAddress)
    return {
      identify: (caller) => {
        if (caller.kind === 'anonymous') {
          const timer = setTimeout(() => socket.close(), ANONYMOUS_MS)
          timer.unref()
          socket.once('close', () => clearTimeout(timer))
          return
        }
        if (caller.actor) this.#count(caller.actor.id, socket)
        leaveAddress()
      },
    }
  }

  #count(userId: string, socket: Socket): void {
    if (!this.#byUser.take(userId)) {
      throw new SottoError('RATE_LIMITED', {
        detail: `a user can have at most ${MAX_SOCKETS_PER_USER} WebSockets`,
      })
    }
    socket.once('close', () => this.#byUser.release(userId))
  }
}
