import type { ErrorCode, Event, Tracked } from '@sotto/contract'
import { SottoError } from '@sotto/contract'
import type { SuperJSONResult } from 'superjson'
import superjson from 'superjson'
import type { EventArrival, EventConnection, EventTransport } from './event-transport.ts'
import { lifeOf } from './event-transport.ts'
import { errorOfShape, refusalOf } from './transport.ts'

/** As much of a WebSocket as is used here; a browser's own, that of Node 22 and of the `ws` package have it. */
export interface WebSocketLike {
  send(data: string): void
  close(): void
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
}

export interface WebSocketOptions {
  /** Instead of the global one, which Node 20 does not have. */
  WebSocket?: (new (url: string) => WebSocketLike) | undefined
}

/** How many events may wait for their reader. A socket cannot be told to wait: it is closed, and opened again later. */
const MAX_QUEUED = 1_000

/**
 * Events over a WebSocket instead of Server-Sent Events: `sotto.events({ transport: webSocket() })`, with the same
 * guarantees. For networks that hold up streams; otherwise there is no need for it.
 */
export function webSocket(options: WebSocketOptions = {}): EventTransport {
  return (connection) => events(connection, options)
}

async function* events(
  connection: EventConnection,
  { WebSocket = globalThis.WebSocket }: WebSocketOptions,
): AsyncGenerator<EventArrival, void> {
  const life = lifeOf(connection.signal)
  let socket: WebSocketLike | undefined
  try {
    // A socket does not say where it begins, so that whoever loses it before the first event could not resume.
    const cursor =
      connection.cursor ?? (await life.within(connection.silenceMs, presentCursor(connection, life.signal)))
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
      const frame = await life.within(connection.silenceMs, inbox.take())
      if (frame === undefined && hasOpened) return
      if (frame === undefined) {
        throw await life.within(connection.silenceMs, refusalOfHandshake(connection, life.signal))
      }
      const arrival = read(frame)
      if (arrival === 'started') yield { cursor }
      else if (arrival) yield arrival
    }
  } finally {
    life.end()
    socket?.close()
  }
}

function addressOf(base: string): string {
  const { location } = globalThis as { location?: { href: string } }
  return new URL(`${base}/trpc?connectionParams=1`, location?.href).href.replace(/^http/, 'ws')
}

/** tRPC's messages: who calls, then what for. */
function greeting({ headers, conversationId, presence }: EventConnection, lastEventId: string): object[] {
  const authorization = headers.get('authorization')
  const actAs = headers.get('act-as')
  const input = {
    ...(conversationId !== undefined && { conversationId }),
    ...(presence !== undefined && { presence }),
  }
  return [
    {
      method: 'connectionParams',
      data: { ...(authorization && { authorization }), ...(actAs && { actAs }) },
    },
    { id: 1, method: 'subscription', params: { path: 'events.stream', input: { json: input }, lastEventId } },
  ]
}

async function presentCursor(
  { base, fetch, headers }: EventConnection,
  signal: AbortSignal,
): Promise<string> {
  const url = `${base}/v1/events/pull`
  const response = await fetch(url, { method: 'GET', headers: Object.fromEntries(headers), signal })
  if (response.status !== 200) throw await refusalOf(url, response)
  // As the contract has it; a 200 that is something else is no JSON, which is a passing failure.
  const { cursor } = (await response.json()) as { cursor: string }
  return cursor
}

/** What a plain request to the same address may be told as well as a handshake; the rest is of that request alone. */
const handshakeCodes: readonly ErrorCode[] = ['UNAUTHENTICATED', 'FORBIDDEN', 'RATE_LIMITED', 'UNAVAILABLE']

/** Why a socket did not open. The socket itself does not tell, so the server is asked once more without one. */
async function refusalOfHandshake(
  { base, fetch, headers }: EventConnection,
  signal: AbortSignal,
): Promise<SottoError> {
  const url = `${base}/trpc`
  const response = await fetch(url, { method: 'GET', headers: Object.fromEntries(headers), signal })
  const refusal = await refusalOf(url, response)
  if (handshakeCodes.includes(refusal.code)) return refusal
  return new SottoError('UNAVAILABLE', { detail: 'the WebSocket did not open' })
}

/** What the server sends, of which this reads as much as it needs. */
interface Frame {
  result?: { type: 'started' | 'stopped' | 'data'; id?: string; data?: SuperJSONResult }
  error?: SuperJSONResult
}

function read(frame: Frame): EventArrival | 'started' | undefined {
  if (frame.error) throw errorOfShape(superjson.deserialize(frame.error))
  if (frame.result?.type === 'started') return 'started'
  if (frame.result?.type === 'stopped') throw new SottoError('UNAVAILABLE', { detail: 'the stream ended' })
  if (!frame.result?.data) return undefined
  const { id, data } = superjson.deserialize<Tracked<Event>>(frame.result.data)
  // A signal is not in the log; its place is that of an event that may not have come yet.
  return { cursor: isSignal(data) ? undefined : id, event: data }
}

function isSignal({ type }: Event): boolean {
  return type.startsWith('typing.') || type.startsWith('presence.')
}

interface Inbox {
  /** @returns false when it is full. */
  put(data: unknown): boolean
  end: () => void
  /** The next frame; an empty one shows that the other side lives. Undefined at the end. */
  take(): Promise<Frame | undefined>
}

function createInbox(): Inbox {
  const frames: Frame[] = []
  let isEnded = false
  let wake: (() => void) | undefined
  return {
    put(data) {
      if (isEnded) return true
      // Anything else that is no JSON is a PING, or nothing of ours.
      frames.push(typeof data === 'string' && data.startsWith('{') ? JSON.parse(data) : {})
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
