import type { LiveConversation, LiveState, Message, SottoClient } from '@sotto/sdk'
import { createClient } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { randomCases } from '../../../scripts/test-scale.ts'
import { seqsOf } from './support/live.ts'
import type { Storm } from './support/storm.ts'
import { attempt, bare, stormOver, untilSame } from './support/storm.ts'

const MAX_MESSAGES = 20
const PAGE_SIZE = 5
/** The number of messages when the view is opened. */
const LENGTH = 60

type Move = 'seq' | 'date' | 'newest' | 'older' | 'newer'
interface Step {
  does: Move | 'receive' | 'send' | 'edit' | 'delete' | 'like' | 'read' | 'break'
  pick: number
  /** Whether the next step waits for this one. */
  isAwaited: boolean
}

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<Step['does'][]>('seq', 'date', 'newest') },
    { weight: 6, arbitrary: fc.constantFrom<Step['does'][]>('older', 'newer') },
    { weight: 5, arbitrary: fc.constantFrom<Step['does'][]>('receive', 'send') },
    {
      weight: 5,
      arbitrary: fc.constantFrom<Step['does'][]>('edit', 'delete', 'like', 'read', 'break'),
    },
  ),
  pick: fc.nat(10_000),
  isAwaited: fc.boolean(),
})

async function allMessages(client: SottoClient, user: string): Promise<Message[]> {
  const messages: Message[] = []
  for await (const message of client.direct.messages({ user, after: 0, limit: 200 })) messages.push(message)
  return messages
}

/** Checks the invariants of the window. */
function check({ messages, hasOlder, hasNewer, lastSeq, isLoaded, unsent }: LiveState): void {
  const seqs = seqsOf({ messages } as LiveState)
  const [first = 1] = seqs
  expect(seqs, 'no gaps or duplicates').toEqual(seqs.map((_, index) => first + index))
  expect(seqs.length).toBeLessThanOrEqual(MAX_MESSAGES)
  expect(messages.slice(seqs.length), 'unsent messages are at the end').toEqual(hasNewer ? [] : unsent)
  expect(lastSeq).toBeGreaterThanOrEqual(seqs.at(-1) ?? 0)
  const ids = messages.map((message) => message.clientMessageId ?? ('id' in message && message.id))
  expect(new Set(ids).size, 'no message is both sent and unsent').toBe(ids.length)
  if (isLoaded && seqs.length > 0) expect(hasOlder).toBe(first > 1)
}

describe.each(['sqlite', 'postgres'] as const)('the window of a live conversation on %s', (using) => {
  let server: TestServer
  beforeAll(async () => {
    server = await createTestServer({ using })
  })
  afterAll(async () => await server?.[Symbol.asyncDispose]())
  let run = 0

  it('is always a contiguous part of the conversation and converges to the server state', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50 }), fc.nat(), async (steps, seed) => {
        run += 1
        const [alice, bob] = [`alice${run}`, `bob${run}`]
        for (const username of [alice, bob]) await server.client.users.create({ username })
        const sender = server.as(alice)
        const texts = Array.from({ length: LENGTH }, (_, index) => `${index + 1}`)
        await Promise.all(texts.map((text) => sender.messages.send({ to: bob, text })))
        const storm = stormOver(server, seed)
        const client = createClient({
          url: server.url,
          token: server.serviceKey,
          fetch: storm.fetch,
          events: { maxBackoffMs: 5 },
        })
        await using live = client
          .as(bob)
          .conversation(alice)
          .live({ pageSize: PAGE_SIZE, maxMessages: MAX_MESSAGES })
        const violations: unknown[] = []
        live.subscribe(() => {
          try {
            check(live.state)
          } catch (error) {
            violations.push(error)
          }
        })

        const pending: Promise<unknown>[] = []
        for (const step of steps) {
          const done = attempt(perform(step, { live, sender, bob, storm }))
          pending.push(done)
          if (step.isAwaited) await done
        }
        storm.settle()
        storm.breakStreams()
        await Promise.all(pending)
        expect(violations).toEqual([])

        const reader = server.as(bob)
        await untilSame(
          live,
          async () => {
            const all = await allMessages(reader, alice)
            const { readSeq, unreadCount, lastSeq } = await reader.direct.get({ user: alice })
            const seqs = seqsOf(live.state)
            const hasNewer = seqs.at(-1) !== lastSeq
            const hasOlder = seqs[0] !== 1
            const messages = all.slice((seqs[0] ?? 1) - 1, seqs.at(-1))
            return { messages, readSeq, unreadCount, lastSeq, hasNewer, hasOlder, unsent: [] }
          },
          () => {
            const { messages, readSeq, unreadCount, lastSeq, hasNewer, hasOlder, unsent } = live.state
            return {
              ...{ messages: messages.map(bare), readSeq, unreadCount, lastSeq },
              ...{ hasNewer, hasOlder, unsent },
            }
          },
        )
        check(live.state)
        // A final jump works.
        expect(await live.jumpTo({ seq: 30 })).toMatchObject({ seq: 30 })
        expect(seqsOf(live.state)).toContain(30)
      }),
      { ...randomCases(4), endOnFailure: true },
    )
  }, 240_000)
})

interface Context {
  live: LiveConversation
  sender: SottoClient
  bob: string
  storm: Storm
}

async function perform({ does, pick }: Step, { live, sender, bob, storm }: Context): Promise<unknown> {
  const sent = live.state.messages.filter((message) => message.status === 'sent')
  const any = sent[pick % sent.length]
  const theirs = sent.filter(({ isMine }) => !isMine)
  const other = theirs[pick % theirs.length]
  switch (does) {
    case 'seq':
      return await live.jumpTo({ seq: 1 + (pick % (LENGTH + 20)) })
    case 'date':
      return await live.jumpTo({
        date: any ? new Date(any.createdAt.getTime() + (pick % 50) - 25) : new Date(),
      })
    case 'newest':
      return await live.jumpTo('newest')
    case 'older':
      return await live.loadOlder()
    case 'newer':
      return await live.loadNewer()
    case 'receive':
      return await sender.messages.send({ to: bob, text: `received ${pick}` })
    case 'send':
      return live.send(`sent ${pick}`)
    case 'edit':
      return other && (await sender.messages.edit({ messageId: other.id, text: `edited ${pick}` }))
    case 'delete':
      return other && (await sender.messages.delete({ messageId: other.id }))
    case 'like':
      return any && (await live.like(any.id))
    case 'read':
      return any && (await live.markRead(any.seq))
    case 'break':
      return storm.breakStreams()
  }
}
