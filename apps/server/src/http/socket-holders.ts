import { SottoError } from '@sotto/contract'
import type { Caller } from '../context.ts'

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
  readonly #counts = new Map<string, number>()

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
    const count = this.#counts.get(userId) ?? 0
    if (count >= MAX_SOCKETS_OF_A_USER) {
      throw new SottoError('RATE_LIMITED', {
        detail: `a user takes at most ${MAX_SOCKETS_OF_A_USER} WebSockets`,
      })
    }
    this.#counts.set(userId, count + 1)
    socket.once('close', () => {
      const left = (this.#counts.get(userId) ?? 1) - 1
      if (left > 0) this.#counts.set(userId, left)
      else this.#counts.delete(userId)
    })
  }
}
