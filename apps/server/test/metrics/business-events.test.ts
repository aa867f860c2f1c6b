import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { dialects, scrape, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

interface Line {
  msg: string
  event: string
}

describe.each(dialects)('business events on %s', (using) => {
  test('are logged and counted once, and contain ids instead of names', async () => {
    const settings = { metricsPort: 0, signUp: 'open' } as const
    await using server = await startServer(using, { users: ['alice', 'bob'], settings })
    const { client, call } = server
    const { id: aliceId } = await client.users.get({ user: 'alice' })
    const { id: bobId } = await client.users.get({ user: 'bob' })
    await fetch(`${server.url}/v1/users`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'carol', password: 'a pass phrase of carol' }),
    })
    const { id: carolId } = await client.users.get({ user: 'carol' })

    const first = await server.send('alice', 'bob', 'hello')
    await server.send('bob', 'alice', 'hello again')
    const group = await client.as('alice').conversations.create({ name: 'Us', participants: ['bob'] })
    await call('bob', 'POST', '/v1/messages', { conversationId: group.id, text: 'hi all' })
    await client.as('alice').contacts.add({ user: 'bob' })
    await client.as('bob').contacts.add({ user: 'alice' })
    await client.as('bob').contacts.add({ user: 'alice' })
    await client.users.erase({ user: 'carol' })

    const logged = server.logs
      .map((line): Line => JSON.parse(line))
      .filter(({ msg }) => msg === 'business event')
      .map(({ event, ...fields }) => [event, fields])
    const including = (fields: object) => expect.objectContaining(fields)
    expect(logged).toEqual([
      ['user.created', including({ userId: aliceId, by: 'key' })],
      ['user.created', including({ userId: bobId, by: 'key' })],
      ['user.created', including({ userId: carolId, by: 'sign-up' })],
      ['conversation.started', including({ conversationId: first.conversationId, kind: 'direct' })],
      ['group.created', including({ conversationId: group.id, participants: 2 })],
      ['conversation.started', including({ conversationId: group.id, kind: 'group' })],
      ['contact.accepted', including({ userId: bobId, contactId: aliceId })],
      ['user.erased', including({ userId: carolId })],
    ])
    for (const name of ['alice', 'bob', 'carol', 'hello', 'Us']) {
      expect(JSON.stringify(logged)).not.toContain(`"${name}"`)
    }
    const page = await scrape(server)
    const counted = page.series('sotto_business_events_total')
    expect(Object.fromEntries(counted.map(({ labels, value }) => [labels.event, value]))).toEqual({
      'user.created': 3,
      'conversation.started': 2,
      'group.created': 1,
      'contact.accepted': 1,
      'user.erased': 1,
    })
  })
})

test('docs/observability.md lists every business event', async () => {
  const root = path.join(import.meta.dirname, '../../../..')
  const source = await readFile(path.join(root, 'apps/server/src/metrics/business-events.ts'), 'utf8')
  const page = await readFile(path.join(root, 'docs/observability.md'), 'utf8')
  const [, section = ''] = page.split('## Business events')
  const names = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name)
  expect(names(section, /^\| `(\w+\.\w+)` \|/gm)).toEqual(names(source, /^ {2}'(\w+\.\w+)': \{/gm))
})
