import type { LiveConversation, Message, SottoClient } from '@sotto/sdk'
import { createClient, SottoError } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { randomCases } from '../../../scripts/test-scale.ts'
import type { Storm } from './support/storm.ts'
import { attempt, bare, stormOver, untilSame, untilSent } from './support/storm.ts'

/* Four users act in a group at random while three of them are removed and added again. */

const members = ['alice', 'bob', 'carol', 'dave'] as const
type Member = (typeof members)[number]

const actions = ['edit', 'delete', 'like', 'react', 'unreact', 'read', 'older', 'break', 'rename'] as const
interface Step {
  by: Member
  does: (typeof actions)[number] | 'send' | 'add' | 'remove'
  pick: number
}

const step: fc.Arbitrary<Step> = fc.record({
  by: fc.constantFrom(...members),
  does: fc.oneof(
    { weight: 5, arbitrary: fc.constant('send' as const) },
    { weight: 5, arbitrary: fc.constantFrom(...actions) },
    { weight: 2, arbitrary: fc.constantFrom('add' as const, 'remove' as const) },
  ),
  pick: fc.nat(1_000),
})

interface Context {
  server: TestServer
  storm: Storm
  conversationId: string
  /** The usernames of the members. */
  usernames: Record<Member, string>
}

async function perform({ by, does, pick }: Step, live: LiveConversation, context: Context): Promise<void> {
  const { server, storm, conversationId, usernames } = context
  const client = server.as(usernames[by])
  const owner = server.as(usernames.alice)
  const sent = live.state.messages.filter((message) => message.status === 'sent')
  const any = sent[pick % sent.length]
  const own = sent.filter(({ isMine }) => isMine)[pick % sent.filter(({ isMine }) => isMine).length]
  // Alice stays, so that she can add the others again.
  const user = usernames[members[1 + (pick % 3)] ?? 'bob']
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
    case 'react':
      // Bypasses the view, which then sees the change as if made on another device.
      return any && (await attempt(client.messages.react({ messageId: any.id, emoji })))
    case 'unreact':
      return any && (await attempt(client.messages.unreact({ messageId: any.id, emoji })))
    case 'rename':
      return void (await owner.conversations.update({ conversationId, name: `${pick}` }))
    case 'add':
      return void (await owner.participants.set({
        ...{ conversationId, user },
        role: pick % 5 === 0 ? 'admin' : 'member',
      }))
    case 'remove':
      return void (await owner.participants.remove({ conversationId, user }))
  }
}

/** The expected state for a user according to the server. Users outside the group only see the seqs they can read. */
async function expectedView(client: SottoClient, conversationId: string, me: string): Promise<unknown> {
  const messages: Message[] = []
  for await (const message of client.conversations.messages({ conversationId, limit: 200 }))
    messages.unshift(message)
  const conversation = await client.conversations.get({ conversationId }).catch((error) => {
    if (error instanceof SottoError && error.code === 'CONVERSATION_NOT_FOUND') return undefined
    throw error
  })
  if (!conversation) return { pending: 0, hasLeft: true, seqs: messages.map(({ seq }) => seq) }
  const { name, participants, participantCount, readSeq, unreadCount } = conversation
  const readMarks: [string, number][] = []
  for await (const mark of client.conversations.receipts({ conversationId }))
    if (mark.userId !== me) readMarks.push([mark.userId, mark.readSeq])
  return {
    ...{ pending: 0, messages, name, participants, participantCount, readSeq, unreadCount },
    readMarks: readMarks.sort(),
  }
}

function viewOf({ state }: LiveConversation): unknown {
  const sent = state.messages.filter(({ status }) => status === 'sent')
  const pending = state.messages.filter(({ status }) => status === 'pending').length
  if (state.hasLeft)
    return { pending, hasLeft: true, seqs: sent.map((message) => ('seq' in message ? message.seq : 0)) }
  const { name, participants, participantCount, readSeq, unreadCount } = state
  const readMarks = state.readMarks.map(({ userId, readSeq: seq }): [string, number] => [userId, seq])
  return {
    messages: sent.map(bare),
    ...{ pending, name, participants, participantCount, readSeq, unreadCount },
    readMarks: readMarks.sort(),
  }
}

describe.each(['sqlite', 'postgres'] as const)('a live group on %s', (using) => {
  let server: TestServer
  beforeAll(async () => {
    server = await createTestServer({ using })
  })
  afterAll(async () => await server?.[Symbol.asyncDispose]())

  let run = 0
  it('converges to the server state for every user while members come and go', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 120 }), fc.nat(), async (steps, seed) => {
        run += 1
        const named = members.map((member) => [member, `${member}${run}`] as const)
        const ids = new Map<Member, string>()
        for (const [member, username] of named)
          ids.set(member, (await server.client.users.create({ username })).id)
        // The entries cover all members.
        const usernames = Object.fromEntries(named) as Record<Member, string>
        const { id: conversationId } = await server
          .as(usernames.alice)
          .conversations.create({ name: 'Group', participants: named.slice(1).map(([, name]) => name) })
        const storm = stormOver(server, seed)
        const client = createClient({
          url: server.url,
          token: server.serviceKey,
          fetch: storm.fetch,
          events: { maxBackoffMs: 5 },
        })
        await using stack = new AsyncDisposableStack()
        const lives = new Map<Member, LiveConversation>()
        for (const [member, username] of named) {
          const live = client.as(username).conversation({ conversationId }).live({ pageSize: 5 })
          lives.set(member, stack.use(live))
        }
        const context = { server, storm, conversationId, usernames }
        // The members act concurrently, and each performs its steps in order.
        await Promise.all(
          [...lives].map(async ([by, live]) => {
            for (const step of steps.filter((candidate) => candidate.by === by))
              await perform(step, live, context)
          }),
        )
        storm.settle()
        storm.breakStreams()
        await Promise.all(
          [...lives].map(([member, live]) =>
            untilSame(
              live,
              async () => {
                if (live.state.hasOlder) await live.loadOlder()
                return await expectedView(server.as(usernames[member]), conversationId, ids.get(member) ?? '')
              },
              () => viewOf(live),
            ),
          ),
        )
      }),
      { ...randomCases(3), endOnFailure: true },
    )
  }, 90_000)
})
