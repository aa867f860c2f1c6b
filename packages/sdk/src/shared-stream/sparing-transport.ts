import { SottoError } from '@sotto/contract'
import { automaticTransport } from '../automatic-transport.ts'
import type { EventArrival, EventConnection } from '../event-transport.ts'
import { withResolvers } from '../runtime-gaps.ts'
import { absoluteUrl, platform } from './platform.ts'

/**
 * Uses Server-Sent Events, if they get through, for one stream to a host and WebSockets for all others of the same browser: a browser opens
 * only six HTTP/1.1 connections to a host, which also serve the calls of all tabs. WebSockets do not count.
 */
export async function* sparingTransport(connection: EventConnection): AsyncGenerator<EventArrival, void> {
  const slot = await takeSlot(connection.base)
  if (slot) {
    try {
      yield* automaticTransport(connection)
    } finally {
      slot.release()
    }
    return
  }
  let isConnected = false
  try {
    const { webSocket } = await import('../web-socket.ts')
    for await (const arrival of webSocket()(connection)) {
      isConnected = true
      yield arrival
    }
  } catch (error) {
    if (isConnected || !isUnavailable(error)) throw error
    // Some proxies do not support WebSockets.
    yield* automaticTransport(connection)
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof SottoError && error.code === 'UNAVAILABLE'
}

/** @returns undefined if another stream uses the slot */
async function takeSlot(base: string): Promise<{ release: () => void } | undefined> {
  const { locks } = platform.navigator ?? {}
  const taken = withResolvers<{ release: () => void } | undefined>()
  const { promise: held, resolve: release } = withResolvers<void>()
  const hold = (lock: unknown) => {
    taken.resolve(lock === null ? undefined : { release })
    return lock === null ? undefined : held
  }
  // Pages that were loaded over plain HTTP have no locks, so they cannot know about each other.
  if (!locks) void hold(platform.isSecureContext === false ? null : {})
  else {
    const name = `sotto/connection/${absoluteUrl(base || '/').host}`
    locks.request(name, { ifAvailable: true }, hold).catch(() => hold(null))
  }
  return await taken.promise
}
