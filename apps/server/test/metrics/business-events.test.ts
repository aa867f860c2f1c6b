import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { dialects, scrape, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

interface Line {
  msg: string
  event: string
}

describe.each(dialects)('business events on %s', (using) => {
  test('are logged and counted, once each, with ids alone', async () => {
    const settings = { metricsPort: 0, signUp: 'open' } as const
    await using world = await startServer(using, { users: ['alice', 'bob'], settings })
    const { client, call } = world
    const { id: aliceId } = await client.users.get({ user: 'alice' })
    const { id: bobId } = await client.users.get({ user: 'bob' })
    await fetch(`${world.url}/v1/users`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'carol', password: 'a pass phrase of carol' }),
    })
    const { id: carolId } = await client.users.get({ user: 'carol' })

    const first = await world.send('alice', 'bob', 'hello')
    await world.send('bob', 'alice', 'hello again')
    const group = await client.as('alice').conversations.create({ name: 'Us', participants: ['bob'] })
    await call('bob', 'POST', '/v1/messages', { conversationId: group.id, text: 'hi all' })
    await client.as('alice').contacts.add({ user: 'bob' })
    await client.as('bob').contacts.add({ user: 'alice' })
    await client.as('bob').contacts.add({ user: 'alice' })
    await client.users.erase({ user: 'carol' })

    const told = world.logs
      .map((line): Line => JSON.parse(line))
      .filter(({ msg }) => msg === 'business event')
      .map(({ event, ...about }) => [event, about])
    const about = (fields: object) => expect.objectContaining(fields)
    expect(told).toEqual([
      ['user.created', about({ userId: aliceId, by: 'key' })],
      ['user.created', about({ userId: bobId, by: 'key' })],
      ['user.created', about({ userId: carolId, by: 'sign-up' })],
      ['conversation.started', about({ conversationId: first.conversationId, kind: 'direct' })],
      ['group.created', about({ conversationId: group.id, participants: 2 })],
      ['conversation.started', about({ conversationId: group.id, kind: 'group' })],
      ['contact.accepted', about({ userId: bobId, contactId: aliceId })],
      ['user.erased', about({ userId: carolId })],
    ])
    for (const name of ['alice', 'bob', 'carol', 'hello', 'Us']) {
      expect(JSON.stringify(told)).not.toContain(`"${name}"`)
    }
    const page = await scrape(world)
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

test('are those that the documentation lists', async () => {
  const root = path.join(import.meta.dirname, '../../../..')
  const source = await readFile(path.join(root, 'apps/server/src/metrics/business-events.ts'), 'utf8')
  const page = await readFile(path.join(root, 'docs/observability.md'), 'utf8')
  const [, section = ''] = page.split('## Business events')
  const names = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name)
  expect(names(section, /^\| `(\w+\.\w+)` \|/gm)).toEqual(names(source, /^ {2}'(\w+\.\w+)': \{/gm))
})
