import { createTestServer } from '@sotto/testing'
import { basic, callRest, callRpc, calls, dialects, jsonOf, rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'a private password'
const SECRETS = {
  text: 'the words of alice',
  alt: 'what the picture shows',
  url: 'https://example.com/picture-of-bob.png',
  clientMessageId: 'the-id-of-alices-device',
}

describe.each(dialects)('the content of a direct conversation on %s', (using) => {
  test('is not returned to another user by any operation, nor can that user change it', async () => {
    await using server = await createTestServer({
      using,
      users: ['alice', 'bob', { username: 'carol', password }],
    })
    const alice = server.as('alice')
    const words = await alice.messages.send({
      to: 'bob',
      text: SECRETS.text,
      clientMessageId: SECRETS.clientMessageId,
    })
    await alice.messages.send({ to: 'bob', image: { url: SECRETS.url, alt: SECRETS.alt } })
    await server.as('bob').messages.like({ messageId: words.id })
    const { token } = await server.client.sessions.create({ username: 'carol', password })
    const carol = { authorization: `Bearer ${token}` }

    const state = async () =>
      JSON.stringify([
        await server.client.conversations.messages({ conversationId: words.conversationId }),
        (await alice.users.list()).items,
      ])
    const before = await state()
    const hidden = [...Object.values(SECRETS), words.id, words.conversationId]
    const withOthersIds = {
      messageId: words.id,
      conversationId: words.conversationId,
      user: 'alice',
      sender: 'alice',
      recipient: 'bob',
      between: ['alice', 'bob'],
    }

    const { length } = calls
    // sessions.end comes last, because it invalidates the token.
    const inOrder = calls.toSorted(
      (a, b) => Number(a.name === 'sessions.end') - Number(b.name === 'sessions.end'),
    )
    expect(inOrder).toHaveLength(length)
    for (const operation of inOrder) {
      const example = jsonOf(operation.entry.example.input) as Record<string, unknown>
      const foreign = Object.entries(withOthersIds).filter(([field]) => field in operation.fields)
      // Each foreign id separately, and all together.
      const inputs = [
        example,
        ...foreign.map(([field, value]) => ({ ...example, [field]: value })),
        ...foreign.map(([field, value]) => ({ [field]: value })),
        { ...example, ...Object.fromEntries(foreign) },
      ].filter((input) => operation.pathFields.every((field) => field in input))
      for (const input of inputs) {
        for (const call of [callRpc, callRest]) {
          const { wire } = await call(server, operation, input, carol)
          for (const secret of hidden)
            expect(wire, `${operation.name} ${JSON.stringify(input)}`).not.toContain(secret)
        }
      }
    }
    expect(await state()).toBe(before)
  })

  test('is not logged, and neither are credentials', async () => {
    await using server = await createTestServer({ using, users: ['bob', { username: 'alice', password }] })
    const session = await rest(server, 'POST /v1/sessions', {
      authorization: null,
      json: { username: 'alice', password },
    })
    const { token } = session.body as { token: string }
    const authorization = `Bearer ${token}`
    const send = (body: string) => rest(server, 'POST /v1/messages', { authorization, body })
    const message = JSON.stringify({
      to: 'bob',
      text: SECRETS.text,
      image: { url: SECRETS.url, alt: SECRETS.alt },
    })
    await send(message)
    await send(message.slice(0, -2))
    await send(message.replace('"to"', '"two"'))
    await send(message.replace('bob', 'nobody'))
    await rest(server, `GET /v1/users?q=${encodeURIComponent(SECRETS.alt)}` as 'GET /', { authorization })
    await rest(server, 'GET /v1/users', { authorization: basic('alice', password) })
    await rest(server, 'GET /v1/users', { authorization: basic('alice', `${password}, nearly`) })
    await rest(server, 'GET /v1/users', { authorization: `Bearer ${token}x` })
    await rest(server, 'GET /v1/users', { authorization: `Bearer ${server.serviceKey}x` })
    await rest(server, 'POST /v1/users', {
      json: { username: 'zoe', password: `${password} too`, email: 'not one' },
    })
    const input = encodeURIComponent(JSON.stringify({ json: { q: SECRETS.alt } }))
    await rest(server, `GET /trpc/users.list?input=${input}` as 'GET /', { authorization })
    await rest(server, 'POST /trpc/messages.send', { authorization, body: `{"json":${message}}` })
    await rest(server, 'DELETE /v1/sessions/current', { authorization })

    const logs = server.logs.join('\n')
    expect(server.logs.length).toBeGreaterThanOrEqual(13)
    const credentials = [
      password,
      token,
      server.serviceKey,
      basic('alice', password).slice('Basic '.length),
      'argon2',
    ]
    for (const secret of [...Object.values(SECRETS), encodeURIComponent(SECRETS.alt), ...credentials]) {
      expect(logs).not.toContain(secret)
    }
    for (const line of server.logs) {
      const { msg, ...about } = JSON.parse(line)
      expect(about).toMatchObject(
        msg === 'business event' ? { event: expect.any(String) } : { status: expect.any(Number) },
      )
    }
  })
})
