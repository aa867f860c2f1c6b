import type { LiveConversation, Message, SottoClient } from '@sotto/sdk'
import { createClient } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { randomCases } from '../../../scripts/test-scale.ts'
import type { Storm } from './support/storm.ts'
import { attempt, bare, stormOver, untilSame, untilSent } from './support/storm.ts'

interface Step {
  by: 'alice' | 'bob'
  does: 'send' | 'edit' | 'delete' | 'like' | 'unlike' | 'react' | 'unreact' | 'read' | 'older' | 'break'
  pick: number
}

async function perform(
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
      // Waits for every other message, so that there is something to change.
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
      // Bypasses the view, which then sees the change as if made on another device.
      return any && (await attempt(client.messages.react({ messageId: any.id, emoji })))
    case 'unreact':
      return any && (await attempt(client.messages.unreact({ messageId: any.id, emoji })))
  }
}

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

/** Resolves when the view equals the server's state. */
async function untilEqual(live: LiveConversation, client: SottoClient, other: string): Promise<void> {
  await untilSame(
    live,
    async () => {
      if (live.state.hasOlder) await live.loadOlder()
      return await viewOfServer(client, other)
    },
    () => viewOfLive(live),
  )
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

  it('converges to the server state for both users over an unreliable network', async () => {
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
        // The users act concurrently, and each performs its steps in order.
        await Promise.all(
          (['alice', 'bob'] as const).map(async (by) => {
            for (const step of steps.filter((candidate) => candidate.by === by)) {
              await perform(step, lives[by], client.as(names[by]), storm)
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
      { ...randomCases(3), endOnFailure: true },
    )
  }, 60_000)
})
