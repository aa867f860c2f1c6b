import { setTimeout as delay } from 'node:timers/promises'
import type { Fetch, LiveConversation, LiveMessage } from '@sotto/sdk'
import { SottoError } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { expect } from 'vitest'

/** Longer than anything these tests wait for. */
const TIMEOUT_MS = 5_000

/**
 * An unreliable network between a client and a server. It delays and loses responses and breaks streams, based on a
 * seed.
 */
export function stormOver(server: TestServer, seed: number) {
  const streams = new Set<() => void>()
  let state = seed
  let isOver = false
  /** Returns 0 to 199. The generator is from Numerical Recipes; only its upper bits are random enough. */
  function roll(): number {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state >>> 16) % 200
  }

  const fetch: Fetch = async (url, init) => {
    const response = await server.fetch(url, init)
    if (isOver) return response
    if (new URL(url).pathname !== '/v1/events' || !response.body) {
      // Delays some responses, so that events overtake them.
      if (roll() % 3 === 0) await delay(roll() % 30)
      if (roll() % 10 === 0) throw new TypeError('the response is lost')
      return response
    }
    let left = roll() * 50
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        if (!isOver && chunk.length > left) {
          controller.enqueue(chunk.subarray(0, left))
          controller.error(new TypeError('the stream was interrupted'))
          return
        }
        left -= chunk.length
        controller.enqueue(chunk)
      },
    })
    const breaking = new AbortController()
    streams.add(() => breaking.abort())
    response.body.pipeTo(writable, { signal: breaking.signal }).catch(() => {})
    return new Response(readable, response)
  }

  return {
    fetch,
    breakStreams() {
      for (const breakStream of streams) breakStream()
      streams.clear()
    },
    settle() {
      isOver = true
    },
  }
}

export type Storm = ReturnType<typeof stormOver>

const expectedCodes = new Set([
  'UNAVAILABLE',
  'MESSAGE_DELETED',
  'MESSAGE_NOT_FOUND',
  'INVALID_INPUT',
  // The user has just been removed.
  'CONVERSATION_NOT_FOUND',
  'FORBIDDEN',
])

/** Ignores errors that are expected in a storm. */
export async function attempt(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof SottoError && expectedCodes.has(error.code))) throw error
  }
}

/** Resolves once the message has been sent or rejected. */
export async function untilSent(live: LiveConversation, clientMessageId: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const check = () => {
    const { messages } = live.state
    // A view that restarts with the newest page may already have moved past the message.
    if (
      !messages.some((message) => message.status === 'pending' && message.clientMessageId === clientMessageId)
    )
      resolve()
  }
  const stop = live.subscribe(check)
  check()
  const timeout = setTimeout(reject, TIMEOUT_MS, new Error(`${clientMessageId} was not sent`))
  try {
    await promise
  } finally {
    clearTimeout(timeout)
    stop()
  }
}

export function bare({ status, isMine, key: _, ...message }: LiveMessage): unknown {
  return status === 'sent' ? message : { status, isMine, ...message }
}

/** Resolves once the view equals the server's state, which is fetched again after each change of the view. */
export async function untilSame<View>(
  live: LiveConversation,
  expected: () => Promise<View>,
  view: () => View,
): Promise<void> {
  for (;;) {
    const { state } = live
    const changed = Promise.withResolvers<void>()
    const stop = live.subscribe(changed.resolve)
    try {
      const target = await expected()
      if (isEqual(view(), target)) return
      const timeout = setTimeout(changed.reject, TIMEOUT_MS, new Error('the view has stopped changing'))
      if (live.state === state) await changed.promise.catch(() => expect(view()).toEqual(target))
      clearTimeout(timeout)
    } finally {
      stop()
    }
  }
}

function isEqual(a: unknown, b: unknown): boolean {
  try {
    expect(a).toEqual(b)
    return true
  } catch {
    return false
  }
}
