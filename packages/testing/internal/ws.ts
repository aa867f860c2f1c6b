import { isDeepStrictEqual } from 'node:util'
import { eventSchema } from '@sotto/contract'
import superjson, { type SuperJSONResult } from 'superjson'
import { Inbox, type WireEvent } from './inbox.ts'
import { RefusedError } from './sse.ts'

/** A reader of tRPC's WebSocket protocol that shares no code with the SDK. */
export interface WsStream extends AsyncDisposable {
  readonly inbox: Inbox
  readonly cursor: string | undefined
  /** The close code. */
  readonly ended: Promise<number>
  /** Received data that differs from the contract in any field. */
  readonly violations: readonly unknown[]
  /** Set when the subscription failed. */
  readonly failure: string | undefined
  close(): void
}

interface Answer {
  id?: number
  result?: { type: 'started' | 'stopped' | 'data'; id?: string; data?: SuperJSONResult }
  error?: { json: { data: { code: string; httpStatus: number } } }
}

/** Resolves when the subscription has started. */
export async function openWs(
  url: string,
  connectionParams: Record<string, string>,
  input: object,
  lastEventId?: string,
): Promise<WsStream> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/trpc?connectionParams=1`)
  const inbox = new Inbox()
  const violations: unknown[] = []
  let cursor = lastEventId
  let failure: string | undefined
  const ended = new Promise<number>((resolve) => {
    socket.addEventListener('close', ({ code }) => {
      inbox.end()
      resolve(code)
    })
  })
  const started = new Promise<void>((resolve, reject) => {
    socket.addEventListener('error', () => reject(new Error('no connection')))
    socket.addEventListener('close', () => reject(new Error('closed')))
    socket.addEventListener('message', ({ data }) => {
      if (data === 'PING') return socket.send('PONG')
      const { result, error } = JSON.parse(String(data)) as Answer
      if (error) {
        failure = error.json.data.code
        reject(new RefusedError(error.json.data.httpStatus, failure))
      }
      if (result?.type === 'started') resolve()
      if (result?.type === 'data' && result.data) {
        const tracked = superjson.deserialize<{ id: string; data: unknown }>(result.data)
        cursor = tracked.id
        const known = eventSchema.safeParse(tracked.data)
        if (!known.success || !isDeepStrictEqual(known.data, tracked.data)) violations.push(tracked.data)
        inbox.add({ cursor, event: JSON.parse(JSON.stringify(tracked.data)) as WireEvent })
      }
    })
  })
  // Later failures are in `failure`.
  started.catch(() => {})
  socket.addEventListener('open', () => {
    socket.send(JSON.stringify({ method: 'connectionParams', data: connectionParams }))
    const params = { path: 'events.stream', input: superjson.serialize(input), lastEventId }
    socket.send(JSON.stringify({ id: 1, method: 'subscription', params }))
  })
  await started
  return {
    inbox,
    violations,
    ended,
    get cursor() {
      return cursor
    },
    get failure() {
      return failure
    },
    close: () => socket.close(),
    async [Symbol.asyncDispose]() {
      socket.close()
      await ended
    },
  }
}
