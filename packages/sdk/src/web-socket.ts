import type { ErrorCode, ErrorShape, Event, Tracked } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { EventArrival, EventConnection, EventTransport } from './event-transport.ts'
import { get, lifetimeOf } from './event-transport.ts'
import { pullEvents } from './long-poll.ts'
import { type Annotated, decodeSuperjson } from './superjson-dates.ts'
import { errorOfResponse, errorOfShape, parse } from './transport.ts'

/** The parts of a WebSocket used here. Browsers, Node 22 and the `ws` package provide them. */
export interface WebSocketLike {
  send(data: string): void
  close(): void
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
}

export interface WebSocketOptions {
  /** Used instead of the global one, which Node 20 does not have. */
  WebSocket?: (new (url: string) => WebSocketLike) | undefined
}

/**
 * The maximum number of events waiting for the reader. A WebSocket has no flow control, so beyond this it is closed and
 * reopened later.
 */
const MAX_QUEUED = 1_000

/**
 * Receives events over a WebSocket instead of Server-Sent Events: `sotto.events({ transport: webSocket() })`. Gives the
 * same guarantees. Streams use it by themselves where Server-Sent Events do not get through.
 *
 * Throws a TypeError if there is no WebSocket.
 */
export function webSocket({ WebSocket = globalThis.WebSocket }: WebSocketOptions = {}): EventTransport {
  if (typeof WebSocket !== 'function') {
    throw new TypeError('WebSocket is required because this runtime has none: webSocket({ WebSocket })')
  }
  return (connection) => events(connection, WebSocket)
}

async function* events(
  connection: EventConnection,
  WebSocket: new (url: string) => WebSocketLike,
): AsyncGenerator<EventArrival, void> {
  const lifetime = lifetimeOf(connection.signal)
  let socket: WebSocketLike | undefined
  try {
    // A WebSocket does not report its starting position, so a connection lost before the first event could not resume.
    const cursor =
      connection.cursor ??
      (await lifetime.within(connection.silenceMs, pullEvents(connection, {}, lifetime.signal))).cursor
    socket = new WebSocket(addressOf(connection.base))
    const inbox = createInbox()
    let hasOpened = false
    socket.addEventListener('open', () => {
      hasOpened = true
      for (const message of greeting(connection, cursor)) socket?.send(JSON.stringify(message))
    })
    socket.addEventListener('message', ({ data }) => {
      if (data === 'PING') socket?.send('PONG')
      if (inbox.put(data)) return
      socket?.close()
      inbox.end()
    })
    socket.addEventListener('close', inbox.end)
    socket.addEventListener('error', inbox.end)
    for (;;) {
      const frame = await lifetime.within(connection.silenceMs, inbox.take())
      if (frame === undefined && hasOpened) return
      if (frame === undefined) {
        throw await lifetime.within(connection.silenceMs, handshakeError(connection, lifetime.signal))
      }
      const arrival = read(frame)
      if (arrival === 'started') yield { cursor }
      else if (arrival) yield arrival
    }
  } finally {
    lifetime.end()
    socket?.close()
  }
}

function addressOf(base: string): string {
  const path = `${base}/trpc?connectionParams=1`
  const { location } = globalThis as { location?: { href: string } }
  // Not for absolute addresses, because React Native's URL changes them.
  const address = /^https?:/i.test(base) ? path : new URL(path, location?.href).href
  return address.replace(/^http/i, 'ws')
}

/** tRPC's messages: the caller, then the subscription. */
function greeting(
  { headers, conversationId, presence, streamId }: EventConnection,
  lastEventId: string,
): object[] {
  const authorization = headers.get('authorization')
  const actAs = headers.get('act-as')
  const expectedUser = headers.get('expected-user')
  const input = {
    ...(conversationId !== undefined && { conversationId }),
    ...(presence?.length && { presence }),
    ...(streamId !== undefined && { streamId }),
  }
  return [
    {
      method: 'connectionParams',
      data: {
        ...(authorization && { authorization }),
        ...(actAs && { actAs }),
        ...(expectedUser && { expectedUser }),
      },
    },
    { id: 1, method: 'subscription', params: { path: 'events.stream', input: { json: input }, lastEventId } },
  ]
}

/**
 * Codes that apply to the handshake as well as to a plain request to the same address. Others concern only that
 * request.
 */
const handshakeCodes: readonly ErrorCode[] = ['UNAUTHENTICATED', 'FORBIDDEN', 'RATE_LIMITED', 'UNAVAILABLE']

/** Finds out why a WebSocket did not open. The WebSocket does not report the reason, so this sends a plain request. */
async function handshakeError(connection: EventConnection, signal: AbortSignal): Promise<SottoError> {
  const url = `${connection.base}/trpc`
  const error = await errorOfResponse(url, await get(connection, url, {}, signal))
  if (handshakeCodes.includes(error.code)) return error
  return new SottoError('UNAVAILABLE', { detail: 'the WebSocket did not open' })
}

/** The parts of the server's messages used here. */
interface Frame {
  result?: { type: 'started' | 'stopped' | 'data'; id?: string; data?: Annotated }
  error?: Annotated
}

function read(frame: Frame): EventArrival | 'started' | undefined {
  if (frame.error) throw errorOfShape(decodeSuperjson(frame.error) as ErrorShape)
  if (frame.result?.type === 'started') return 'started'
  if (frame.result?.type === 'stopped') throw new SottoError('UNAVAILABLE', { detail: 'the stream ended' })
  if (!frame.result?.data) return undefined
  const { id, data } = decodeSuperjson(frame.result.data) as Tracked<Event>
  // A signal is not in the log. Its id is the position of an event that may not have arrived yet.
  return { cursor: isSignal(data) ? undefined : id, event: data }
}

function isSignal({ type }: Event): boolean {
  return type.startsWith('typing.') || type.startsWith('presence.')
}

/** Anything that is not an object in JSON is a PING or irrelevant. */
function frameOf(data: unknown): Frame {
  return (typeof data === 'string' && data.startsWith('{') && (parse(data) as Frame)) || {}
}

interface Inbox {
  /** @returns false if the inbox is full. */
  put(data: unknown): boolean
  end: () => void
  /** The next frame. An empty frame is a keep-alive. Undefined at the end. */
  take(): Promise<Frame | undefined>
}

function createInbox(): Inbox {
  const frames: Frame[] = []
  let isEnded = false
  let wake: (() => void) | undefined
  return {
    put(data) {
      if (isEnded) return true
      frames.push(frameOf(data))
      wake?.()
      return frames.length <= MAX_QUEUED
    },
    end() {
      isEnded = true
      wake?.()
    },
    async take() {
      while (frames.length === 0 && !isEnded) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return frames.shift()
    },
  }
}
