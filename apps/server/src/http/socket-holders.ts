import { SottoError } from '@sotto/contract'
import type { Caller } from '../auth/caller.ts'
import { Holdings } from '../limits/holdings.ts'

/** How many WebSockets a user has open at once: as many as they may have streams. */
const MAX_SOCKETS_OF_A_USER = 20
/** How long somebody without credentials keeps one, in milliseconds: enough to log in. */
const ANONYMOUS_MS = 60_000

/** As much of a WebSocket as is needed here. */
interface Socket {
  once(event: 'close', listener: () => void): unknown
  close(): void
}

/** Who holds the open WebSockets, so that nobody takes all that there are. Service keys that act for nobody may. */
export class SocketHolders {
  readonly #holdings = new Holdings(MAX_SOCKETS_OF_A_USER)

  /**
   * Counts the socket as this caller's until it is closed.
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
        detail: `a user can have at most ${MAX_SOCKETS_OF_A_USER} WebSockets`,
      })
    }
    socket.once('close', () => this.#holdings.release(userId))
  }
}
