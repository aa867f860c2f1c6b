import { setTimeout as delay } from 'node:timers/promises'
import type { Fetch, LiveConversation, LiveMessage, Message, SottoClient } from '@sotto/sdk'
import { createClient, SottoError } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** A network between a client and a server, which delays and loses answers and breaks streams, by a seed. */
function stormOver(server: TestServer, seed: number) {
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

type Storm = ReturnType<typeof stormOver>

const passing = new Set(['UNAVAILABLE', 'MESSAGE_DELETED', 'MESSAGE_NOT_FOUND', 'INVALID_INPUT'])

/** What may go wrong in a storm, and is not what this is about. */
async function attempt(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof SottoError && passing.has(error.code))) throw error
  }
}

interface Step {
  by: 'alice' | 'bob'
  does: 'send' | 'edit' | 'delete' | 'like' | 'unlike' | 'react' | 'unreact' | 'read' | 'older' | 'break'
  pick: number
}

async function take(
  { does, pick }: Step,
  live: LiveConversation,
  client: SottoClient,
  storm: Storm,
): Promise<void> {
  const sent = live.state.messages.filter((message) => message.status === 'sent')
  const any = sent[pick % sent.length]
  const own = sent.filter(({ isMine }) => isMine)[pick % sent.filter(({ isMine }) => isMine).length]
  const emoji = pick % 2 === 0 ? '🎉' : '👍'
  switch (does) {
    case 'send': {
      const clientMessageId = live.send(`${pick}`)
      // Every other one is waited for, so that there is something to change.
      return pick % 2 === 0 ? undefined : await untilSent(live, clientMessageId)
    }
    case 'break':
      return storm.breakStreams()
    case 'older':
      return await attempt(live.loadOlder())
    case 'read':
      return any && (await attempt(live.markRead(any.seq)))
    case 'edit':
      return own && (await attempt(live.edit(own.id, `edited ${pick}`)))
    case 'delete':
      return own && (await attempt(live.delete(own.id)))
    case 'like':
      return any && (await attempt(live.like(any.id)))
    case 'unlike':
      return any && (await attempt(live.unlike(any.id)))
    case 'react':
      // Not by the view, which hears of it as if it were done on another machine.
      return any && (await attempt(client.messages.react({ messageId: any.id, emoji })))
    case 'unreact':
      return any && (await attempt(client.messages.unreact({ messageId: any.id, emoji })))
  }
}

async function untilSent(live: LiveConversation, clientMessageId: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const look = () => {
    const { messages } = live.state
    // A view that begins again with the newest page may be past it by then.
    if (!messages.some((one) => one.status !== 'sent' && one.clientMessageId === clientMessageId)) resolve()
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

/** Nothing of what is awaited here takes so long; who waits longer waits for ever. */
const LATE_MS = 5_000

interface View {
  messages: unknown[]
  readSeq: number
  unreadCount: number
}

async function viewOfServer(client: SottoClient, other: string): Promise<View> {
  const messages: Message[] = []
  for await (const message of client.direct.messages({ user: other, limit: 200 })) messages.unshift(message)
  if (messages.length === 0) return { messages, readSeq: 0, unreadCount: 0 }
  const { readSeq, unreadCount } = await client.direct.get({ user: other })
  return { messages, readSeq, unreadCount }
}

function viewOfLive({ state }: LiveConversation): View {
  const { messages, readSeq, unreadCount } = state
  return { messages: messages.map(bare), readSeq, unreadCount }
}

function bare({ status, isMine, ...message }: LiveMessage): unknown {
  return status === 'sent' ? message : { status, isMine, ...message }
}

/** Resolves when the view is as the server's, which it looks at again whenever the view changes. */
async function untilEqual(live: LiveConversation, client: SottoClient, other: string): Promise<void> {
  for (;;) {
    const { state } = live
    const changed = Promise.withResolvers<void>()
    const stop = live.subscribe(changed.resolve)
    try {
      if (live.state.hasOlder) await live.loadOlder()
      const server = await viewOfServer(client, other)
      if (isEqual(viewOfLive(live), server)) return
      const late = setTimeout(changed.reject, LATE_MS, new Error('the view does not change any more'))
      if (live.state === state) await changed.promise.catch(() => expect(viewOfLive(live)).toEqual(server))
      clearTimeout(late)
    } finally {
      stop()
    }
  }
}

function isEqual(a: View, b: View): boolean {
  try {
    expect(a).toEqual(b)
    return true
  } catch {
    return false
  }
}

describe.each(['sqlite', 'postgres'] as const)('a live conversation on %s', (using) => {
  let server: TestServer
  beforeAll(async () => {
    server = await createTestServer({ using })
  })
  afterAll(async () => await server?.[Symbol.asyncDispose]())

  const step: fc.Arbitrary<Step> = fc.record({
    by: fc.constantFrom('alice', 'bob'),
    does: fc.oneof(
      { weight: 5, arbitrary: fc.constant('send' as const) },
      {
        weight: 6,
        arbitrary: fc.constantFrom(
          'edit',
          'delete',
          'like',
          'unlike',
          'react',
          'unreact',
          'read',
          'older',
          'break',
        ),
      },
    ),
    pick: fc.nat(1_000),
  })
  let run = 0

  it('ends up as the server has it, after a storm of what both do over a network that breaks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), fc.nat(), async (steps, seed) => {
        run += 1
        const names = { alice: `alice${run}`, bob: `bob${run}` }
        for (const username of Object.values(names)) await server.client.users.create({ username })
        const storm = stormOver(server, seed)
        const client = createClient({
          url: server.url,
          token: server.serviceKey,
          fetch: storm.fetch,
          events: { maxBackoffMs: 5 },
        })
        await using alice = client.as(names.alice).conversation(names.bob).live({ pageSize: 5 })
        await using bob = client.as(names.bob).conversation(names.alice).live({ pageSize: 5 })
        const lives = { alice, bob }
        // Both at once; each of them one after the other.
        await Promise.all(
          (['alice', 'bob'] as const).map(async (by) => {
            for (const one of steps.filter((step) => step.by === by)) {
              await take(one, lives[by], client.as(names[by]), storm)
            }
          }),
        )
        storm.settle()
        storm.breakStreams()
        await Promise.all([
          untilEqual(alice, server.as(names.alice), names.bob),
          untilEqual(bob, server.as(names.bob), names.alice),
        ])
      }),
      { numRuns: 20, endOnFailure: true },
    )
  }, 60_000)
})
