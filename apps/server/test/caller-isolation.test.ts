import { createTestServer, type TestServer } from '@sotto/testing'
import {
  type Answer,
  type Call,
  callRest,
  callRpc,
  dialects,
  type Operation,
  operations,
  outputFields,
  type RequestHeaders,
  rest,
} from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/*
 * A cursor issued to one caller gives no access to another. A list cursor is only a position: with it, a caller reads
 * what they can read without it, or gets INVALID_CURSOR. An event cursor belongs to one user.
 */

type Input = Record<string, unknown>

const lists = operations.filter(({ entry, fields }) => {
  return 'cursor' in fields && outputFields(entry).includes('nextCursor')
})
const eventCalls = operations.filter(({ name, fields }) => name.startsWith('events.') && 'cursor' in fields)
const transports: readonly (readonly [string, Call])[] = [
  ['REST', callRest],
  ['RPC', callRpc],
]

describe.each(dialects)('caller isolation on %s', (using) => {
  let server: TestServer
  let as: Record<'key' | 'bob' | 'carol', RequestHeaders>
  let groups: { shared: string; bobs: string }
  let webhookId: string

  beforeAll(async () => {
    server = await createTestServer({ using, users: ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'] })
    const { client } = server
    const [alice, bob, carol] = [server.as('alice'), server.as('bob'), server.as('carol')]
    const shared = await bob.conversations.create({ name: 'shared', participants: ['carol', 'dave'] })
    const bobs = await bob.conversations.create({ name: "bob's", participants: ['alice', 'dave'] })
    groups = { shared: shared.id, bobs: bobs.id }
    for (const text of ['one', 'two', 'three']) {
      for (const to of ['alice', 'dave']) await bob.messages.send({ to, text: `${text} of bob` })
      await alice.messages.send({ to: 'carol', text: `${text} to carol` })
      await carol.messages.send({ to: 'dave', text: `${text} of carol` })
      for (const conversationId of Object.values(groups)) await bob.messages.send({ conversationId, text })
      await client.invitations.create()
      await client.keys.create({ name: text, scopes: ['read'] })
      webhookId = (await client.webhooks.create({ url: 'https://hooks.example/sotto' })).id
    }
    for (let i = 0; i < 3; i++) await client.webhooks.test({ webhookId })
    for (const user of ['alice', 'dave']) {
      for (const friend of ['bob', 'carol']) {
        await server.as(friend).contacts.add({ user })
        await server.as(user).contacts.add({ user: friend })
      }
    }
    for (const user of ['erin', 'frank']) {
      await bob.blocks.add({ user })
      await carol.blocks.add({ user })
    }
    for (const username of ['bob', 'carol']) {
      await client.passwords.set({ user: username, newPassword: 'correct horse' })
      for (let i = 0; i < 3; i++) await client.sessions.create({ username, password: 'correct horse' })
    }
    const authorization = `Bearer ${server.serviceKey}`
    as = {
      key: { authorization },
      bob: { authorization, 'act-as': 'bob' },
      carol: { authorization, 'act-as': 'carol' },
    }
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** Inputs for a list that belongs to this user. */
  function inputsOf({ fields }: Operation, user: 'bob' | 'carol'): Input[] {
    // For a direct conversation, `user` is the other participant. For other lists, it is the owner.
    if ('after' in fields && 'user' in fields) return [{ user: 'alice' }]
    if ('user' in fields) return [{ user }]
    if ('webhookId' in fields) return [{ webhookId }]
    if ('conversationId' in fields) return Object.values(groups).map((conversationId) => ({ conversationId }))
    return [{}]
  }

  /** All items that the caller can list with their own cursors, or the error. */
  async function allItems(
    call: Call,
    list: Operation,
    input: Input,
    caller: RequestHeaders,
  ): Promise<Answer> {
    const items: unknown[] = []
    for (let cursor: object = {}; ; ) {
      const { answer } = await call(server, list, { ...input, limit: 200, ...cursor }, caller)
      if (answer.code !== undefined) return answer
      const page = pageOf(answer)
      items.push(...page.items)
      if (page.nextCursor === null) return { ...answer, output: items }
      cursor = { cursor: page.nextCursor }
    }
  }

  test.each(lists)('a cursor of $name reveals nothing that is not listed without it', async (list) => {
    const owners = list.entry.access === 'actor' ? (['bob'] as const) : (['bob', 'key'] as const)
    let tried = 0
    for (const [transport, call] of transports) {
      const cursors: string[] = []
      for (const owner of owners) {
        for (const input of inputsOf(list, 'bob')) {
          const { answer } = await call(server, list, { ...input, limit: 1 }, as[owner])
          const cursor = answer.code === undefined ? pageOf(answer).nextCursor : null
          if (cursor !== null) cursors.push(cursor)
        }
      }
      for (const input of [...inputsOf(list, 'bob'), ...inputsOf(list, 'carol')]) {
        const own = await allItems(call, list, input, as.carol)
        for (const cursor of cursors) {
          const { answer } = await call(server, list, { ...input, cursor }, as.carol)
          const what = `${transport} ${JSON.stringify(input)} ${Buffer.from(cursor, 'base64url')}`
          tried++
          if (own.code !== undefined) expect(answer, what).toEqual(own)
          else if (answer.code !== undefined) expect(answer.code, what).toBe('INVALID_CURSOR')
          else {
            const allowed = (own.output as unknown[]).map(textOf)
            for (const item of pageOf(answer).items) expect(allowed, what).toContain(textOf(item))
          }
        }
      }
    }
    expect(tried).toBeGreaterThanOrEqual(2)
  })

  test.each(eventCalls)(
    '$name rejects an event cursor of another user as INVALID_CURSOR',
    async (operation) => {
      const { cursor } = await server.as('bob').events.pull()
      for (const [transport, call] of transports) {
        const { answer } = await call(server, operation, { cursor }, as.carol)
        expect(answer, transport).toMatchObject({ status: 400, code: 'INVALID_CURSOR' })
      }
      expect(await server.as('bob').events.pull({ cursor })).toMatchObject({ items: [] })
    },
  )

  test('a clientMessageId is scoped to its sender and conversation, and does not reveal that others used it', async () => {
    const first = { conversationId: groups.shared, text: 'the words of bob', clientMessageId: 'the-key' }
    const sent = await server.as('bob').messages.send(first)
    const send = (by: string, change: object) =>
      rest(server, 'POST /v1/messages', { as: by, json: { ...first, ...change } })

    const seen = new Set([sent.id])
    for (const [by, change] of [
      // Neither the same text nor a different one counts as a retry or a conflict.
      ['carol', {}],
      ['dave', { text: 'the words of dave' }],
      ['bob', { conversationId: groups.bobs }],
      ['alice', { conversationId: groups.bobs, text: 'the words of alice' }],
      ['bob', { conversationId: undefined, to: 'carol' }],
      ['carol', { conversationId: undefined, to: 'bob', text: 'the words of carol' }],
    ] as const) {
      const { status, body } = await send(by, change)
      expect({ status, body }, JSON.stringify([by, change])).toMatchObject({
        status: 201,
        body: { sender: by, text: { ...first, ...change }.text, clientMessageId: 'the-key' },
      })
      const { id } = body as { id: string }
      expect(JSON.stringify(body)).not.toContain(sent.id)
      expect(seen).not.toContain(id)
      seen.add(id)
      // A retry by the same sender returns the original message.
      expect(await send(by, change)).toMatchObject({ status: 200, body: { id } })
    }
    // A user outside the conversation cannot find out whether the clientMessageId was used.
    const elsewhere = await send('erin', {})
    const never = await send('erin', { clientMessageId: 'never used' })
    expect(elsewhere).toMatchObject({ status: 404, body: { code: 'CONVERSATION_NOT_FOUND' } })
    expect({ ...(elsewhere.body as object), requestId: '' }).toEqual({
      ...(never.body as object),
      requestId: '',
    })
    expect(await server.as('bob').messages.get({ messageId: sent.id })).toEqual(sent)
  })
})

function pageOf({ output }: Answer): { items: unknown[]; nextCursor: string | null } {
  return output as { items: unknown[]; nextCursor: string | null }
}

/** An item as JSON, without `deliveredAt`, which reading it may set during the test. */
function textOf(item: unknown): string {
  return JSON.stringify(item, (name, value: unknown) => (name === 'deliveredAt' ? undefined : value))
}
