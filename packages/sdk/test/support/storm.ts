import { setTimeout as delay } from 'node:timers/promises'
import type { Fetch, LiveConversation, LiveMessage } from '@sotto/sdk'
import { SottoError } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { expect } from 'vitest'

/** Nothing of what is awaited here takes so long; who waits longer waits for ever. */
const LATE_MS = 5_000

/** A network between a client and a server, which delays and loses answers and breaks streams, by a seed. */
export function stormOver(server: TestServer, seed: number) {
  const streams = new Set<() => void>()
  let state = seed
  let isOver = false
  /** 0 to 199. Numerical Recipes' generator, whose upper bits are the random ones. */
  function roll(): number {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state >>> 16) % 200
  }

  const fetch: Fetch = async (url, init) => {
    const response = await server.fetch(url, init)
    if (isOver) return response
    if (new URL(url).pathname !== '/v1/events' || !response.body) {
      // Slower than the events that come meanwhile, some of them.
      if (roll() % 3 === 0) await delay(roll() % 30)
      if (roll() % 10 === 0) throw new TypeError('the answer is lost')
      return response
    }
    let left = roll() * 50
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        if (!isOver && chunk.length > left) {
          controller.enqueue(chunk.subarray(0, left))
          controller.error(new TypeError('the stream is broken'))
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

const passing = new Set([
  'UNAVAILABLE',
  'MESSAGE_DELETED',
  'MESSAGE_NOT_FOUND',
  'INVALID_INPUT',
  // Who has just been removed.
  'CONVERSATION_NOT_FOUND',
  'FORBIDDEN',
])

/** What may go wrong in a storm, and is not what this is about. */
export async function attempt(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof SottoError && passing.has(error.code))) throw error
  }
}

/** Resolves when the message has been sent, or refused. */
export async function untilSent(live: LiveConversation, clientMessageId: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const look = () => {
    const { messages } = live.state
    // A view that begins again with the newest page may be past it by then.
    if (!messages.some((one) => one.status === 'pending' && one.clientMessageId === clientMessageId))
      resolve()
  }
  const stop = live.subscribe(look)
  look()
  const late = setTimeout(reject, LATE_MS, new Error(`${clientMessageId} is not sent`))
  try {
    await promise
  } finally {
    clearTimeout(late)
    stop()
  }
}

export function bare({ status, isMine, ...message }: LiveMessage): unknown {
  return status === 'sent' ? message : { status, isMine, ...message }
}

/** Resolves when the view is as the server's truth, which is looked at again whenever the view changes. */
export async function untilSame<View>(
  live: LiveConversation,
  truth: () => Promise<View>,
  view: () => View,
): Promise<void> {
  for (;;) {
    const { state } = live
    const changed = Promise.withResolvers<void>()
    const stop = live.subscribe(changed.resolve)
    try {
      const wanted = await truth()
      if (isEqual(view(), wanted)) return
      const late = setTimeout(changed.reject, LATE_MS, new Error('the view does not change any more'))
      if (live.state === state) await changed.promise.catch(() => expect(view()).toEqual(wanted))
      clearTimeout(late)
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
