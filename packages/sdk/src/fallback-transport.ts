import { SottoError } from '@sotto/contract'
import type { EventArrival, EventConnection, EventTransport } from './event-transport.ts'
import { longPoll } from './long-poll.ts'
import { webSocket } from './web-socket.ts'

/** Servers whose WebSockets do not get through. Kept for the page. */
const blocked = new Set<string>()

type TryTransport = (
  open: EventTransport,
  connection: EventConnection,
  isBlocked: (error: unknown) => boolean,
) => AsyncGenerator<EventArrival, boolean>

/** A WebSocket, or long polling where it does not get through. */
export async function* fallbackTransport(
  connection: EventConnection,
  tryTransport: TryTransport,
): AsyncGenerator<EventArrival, void> {
  if (typeof WebSocket === 'function' && !blocked.has(connection.base)) {
    if (yield* tryTransport(webSocket(), connection, isBlocked)) return
  }
  for await (const arrival of longPoll(connection)) {
    blocked.add(connection.base)
    yield arrival
  }
}

/** Whether a WebSocket failed for a reason that may not apply to other requests. */
function isBlocked(error: unknown): boolean {
  return !(error instanceof SottoError) || error.code === 'UNAVAILABLE' || error.code === 'FORBIDDEN'
}
