import type { EventArrival, EventConnection, EventTransport } from './event-transport.ts'
import { lifetimeOf, serverSentEvents } from './event-transport.ts'
import { asyncIterator } from './runtime-gaps.ts'

/** Servers whose Server-Sent Events are held back. Kept for the page, so that only its first stream waits for them. */
const heldBack = new Set<string>()

/** Server-Sent Events, or the first other transport that the runtime supports and the network lets through. */
export async function* automaticTransport(connection: EventConnection): AsyncGenerator<EventArrival, void> {
  if (canReadStreams() && !heldBack.has(connection.base)) {
    if (yield* tryTransport(serverSentEvents, connection, () => false)) return
  }
  // Few networks need it.
  const { fallbackTransport } = await import('./fallback-transport.ts')
  for await (const arrival of fallbackTransport(connection, tryTransport)) {
    heldBack.add(connection.base)
    yield arrival
  }
}

/**
 * Uses a transport if it connects in time.
 *
 * @param isBlocked whether an error before it connects may not concern other transports. Others are thrown
 * @returns whether it has connected
 */
async function* tryTransport(
  open: EventTransport,
  connection: EventConnection,
  isBlocked: (error: unknown) => boolean,
): AsyncGenerator<EventArrival, boolean> {
  const lifetime = lifetimeOf(connection.signal)
  const arrivals = open({ ...connection, signal: lifetime.signal })[asyncIterator]()
  let isConnected = false
  try {
    let next = await lifetime.within(connection.connectMs, arrivals.next())
    isConnected = true
    while (!next.done) {
      yield next.value
      next = await arrivals.next()
    }
  } catch (error) {
    const isLate = lifetime.signal.aborted && !connection.signal.aborted
    if (isConnected || !(isLate || isBlocked(error))) throw error
  } finally {
    lifetime.end()
    await arrivals.return?.()
  }
  return isConnected
}

/** React Native's `fetch` returns no body before its end. */
function canReadStreams(): boolean {
  return typeof TextDecoder === 'function' && typeof Response === 'function' && 'body' in Response.prototype
}
