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
 * What the server gave one caller is worth nothing to another. A cursor of a list is a place and never a right: with
 * it one reads what one may read without it, or it is INVALID_CURSOR. A cursor of events has an owner.
 */

type Input = Record<string, unknown>

const lists = operations.filter(({ entry, fields }) => {
  return 'cursor' in fields && outputFields(entry).includes('nextCursor')
})
const eventCalls = operations.filter(({ name }) => name.startsWith('events.'))
const transports: readonly (readonly [string, Call])[] = [
  ['REST', callRest],
  ['RPC', callRpc],
]

describe.each(dialects)('what was given to somebody else, on %s', (using) => {
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

  /** What a list is asked for, by or about this user. */
  function inputsOf({ fields }: Operation, user: 'bob' | 'carol'): Input[] {
    // A direct conversation is with somebody, everything else is of somebody.
    if ('after' in fields && 'user' in fields) return [{ user: 'alice' }]
    if ('user' in fields) return [{ user }]
    if ('webhookId' in fields) return [{ webhookId }]
    if ('conversationId' in fields) return Object.values(groups).map((conversationId) => ({ conversationId }))
    return [{}]
  }

  /** Everything that a caller gets without anybody's cursor. */
  async function everything(
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

  test.each(lists)('a cursor of $name shows nothing that is not shown without it', async (list) => {
    const owners = list.entry.access === 'actor' ? (['bob'] as const) : (['bob', 'key'] as const)
    let borrowed = 0
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
        const own = await everything(call, list, input, as.carol)
        for (const cursor of cursors) {
          const { answer } = await call(server, list, { ...input, cursor }, as.carol)
          const what = `${transport} ${JSON.stringify(input)} ${Buffer.from(cursor, 'base64url')}`
          borrowed++
          if (own.code !== undefined) expect(answer, what).toEqual(own)
          else if (answer.code !== undefined) expect(answer.code, what).toBe('INVALID_CURSOR')
          else {
            const allowed = (own.output as unknown[]).map(textOf)
            for (const item of pageOf(answer).items) expect(allowed, what).toContain(textOf(item))
          }
        }
      }
    }
    expect(borrowed).toBeGreaterThanOrEqual(2)
  })

  test.each(eventCalls)(
    'a cursor of events is INVALID_CURSOR to anybody else in $name',
    async (operation) => {
      const { cursor } = await server.as('bob').events.pull()
      for (const [transport, call] of transports) {
        const { answer } = await call(server, operation, { cursor }, as.carol)
        expect(answer, transport).toMatchObject({ status: 400, code: 'INVALID_CURSOR' })
      }
      expect(await server.as('bob').events.pull({ cursor })).toMatchObject({ items: [] })
    },
  )

  test('a clientMessageId is one’s own, in one conversation, and tells nobody of another’s message', async () => {
    const first = { conversationId: groups.shared, text: 'the words of bob', clientMessageId: 'the-key' }
    const sent = await server.as('bob').messages.send(first)
    const send = (by: string, change: object) =>
      rest(server, 'POST /v1/messages', { as: by, json: { ...first, ...change } })

    const seen = new Set([sent.id])
    for (const [by, change] of [
      // The same words, and others: neither is a repeat, and neither a conflict.
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
      // One's own repeat is.
      expect(await send(by, change)).toMatchObject({ status: 200, body: { id } })
    }
    // Nor may who is not there find out whether the key was used.
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

/** An item but for the mark that reading it may leave while the test goes on. */
function textOf(item: unknown): string {
  return JSON.stringify(item, (name, value: unknown) => (name === 'deliveredAt' ? undefined : value))
}
