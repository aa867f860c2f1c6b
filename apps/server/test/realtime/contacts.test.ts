import { dialects, type Inbox, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

interface Pull {
  items: { id: string; type: string; userId: string; state: string }[]
  cursor: string
}

/** The contact changes received so far, such as `bob: outgoing`. */
function contactsIn({ names }: { names: Map<string, string> }, inbox: Inbox): string[] {
  return inbox.events.flatMap((event) =>
    event.type === 'contact.updated' ? [`${names.get(event.userId)}: ${event.state}`] : [],
  )
}

async function start(using: 'sqlite' | 'postgres') {
  const server = await startServer(using, { users: ['alice', 'bob', 'carol'] })
  const { items } = await server.call<{ items: { id: string; username: string }[] }>(
    undefined,
    'GET',
    '/v1/users',
  )
  const names = new Map(items.map(({ id, username }) => [id, username]))
  return { ...server, names }
}

function contact(
  server: RunningServer,
  as: string,
  method: 'PUT' | 'DELETE',
  user: string,
): Promise<unknown> {
  return server.call(as, method, `/v1/contacts/${user}`)
}

describe.each(dialects)('contact changes on %s', (using) => {
  test('are sent to all devices of both users, and to no one else', async () => {
    await using server = await start(using)
    await using alice = await server.sse('alice')
    await using aliceToo = await server.ws('alice')
    await using bob = await server.sse('bob')
    await using carol = await server.sse('carol')

    await contact(server, 'alice', 'PUT', 'bob')
    await bob.inbox.until(() => contactsIn(server, bob.inbox).length === 1)
    await alice.inbox.until(() => contactsIn(server, alice.inbox).length === 1)
    // Without a change there is no event.
    await contact(server, 'alice', 'PUT', 'bob')
    await contact(server, 'bob', 'PUT', 'alice')
    await bob.inbox.until(() => contactsIn(server, bob.inbox).length === 2)
    await alice.inbox.until(() => contactsIn(server, alice.inbox).length === 2)
    await contact(server, 'bob', 'DELETE', 'alice')
    await contact(server, 'bob', 'DELETE', 'alice')
    await server.send('alice', 'carol', 'the last')
    for (const { inbox } of [alice, aliceToo, carol]) await inbox.untilText('the last')

    expect(contactsIn(server, alice.inbox)).toEqual(['bob: outgoing', 'bob: accepted', 'bob: none'])
    expect(contactsIn(server, bob.inbox)).toEqual(['alice: incoming', 'alice: accepted', 'alice: none'])
    expect(aliceToo.inbox.events.slice(0, 3)).toEqual(alice.inbox.events.slice(0, 3))
    expect(alice.inbox.events[0]).toMatchObject({ conversationId: null })
    expect(contactsIn(server, carol.inbox)).toEqual([])
  })

  test('do not reveal a declined request or a block to the requester', async () => {
    await using server = await start(using)
    for (const name of ['bob', 'carol']) await contact(server, name, 'PUT', 'alice')
    await using alice = await server.sse('alice')
    await using bob = await server.sse('bob')
    await using carol = await server.sse('carol')
    await contact(server, 'alice', 'DELETE', 'bob')
    await server.call('alice', 'PUT', '/v1/blocks/carol')
    await server.send('bob', 'carol', 'the last')
    await server.send('bob', 'alice', 'the last')
    for (const { inbox } of [alice, bob, carol]) await inbox.untilText('the last')

    expect(contactsIn(server, alice.inbox)).toEqual(['bob: none', 'carol: none'])
    expect(contactsIn(server, bob.inbox)).toEqual([])
    expect(contactsIn(server, carol.inbox)).toEqual([])
  })

  test('include the contact that a block ends', async () => {
    await using server = await start(using)
    await contact(server, 'alice', 'PUT', 'bob')
    await contact(server, 'bob', 'PUT', 'alice')
    await using bob = await server.sse('bob')
    await server.call('alice', 'PUT', '/v1/blocks/bob')
    await server.call('alice', 'PUT', '/v1/blocks/bob')
    await server.send('carol', 'bob', 'the last')
    await bob.inbox.untilText('the last')
    expect(contactsIn(server, bob.inbox)).toEqual(['alice: none'])
  })

  test('show the current state to a client that catches up, and belong to no conversation', async () => {
    await using server = await start(using)
    const { conversationId } = await server.send('alice', 'bob', 'hello')
    const { cursor } = await server.call<Pull>('bob', 'GET', '/v1/events/pull')
    await using live = await server.sse('bob')
    await using conversationStream = await server.sse('bob', `?conversationId=${conversationId}`)
    await contact(server, 'alice', 'PUT', 'bob')
    await contact(server, 'bob', 'PUT', 'alice')
    await contact(server, 'carol', 'PUT', 'bob')
    await server.send('alice', 'bob', 'the last')
    for (const { inbox } of [live, conversationStream]) await inbox.untilText('the last')
    await using caughtUp = await server.sse('bob', `?conversationId=${conversationId}`, cursor)
    await caughtUp.inbox.untilText('the last')

    const missed = await server.call<Pull>('bob', 'GET', `/v1/events/pull?cursor=${cursor}`)
    const contacts = missed.items.filter(({ type }) => type === 'contact.updated')
    expect(contacts.map(({ userId, state }) => `${server.names.get(userId)}: ${state}`)).toEqual([
      'alice: accepted',
      'alice: accepted',
      'carol: incoming',
    ])
    expect(contacts.map(({ id }) => id)).toEqual(
      live.inbox.events.filter(({ type }) => type === 'contact.updated').map(({ id }) => id),
    )
    for (const { inbox } of [conversationStream, caughtUp])
      expect(inbox.types).not.toContain('contact.updated')
  })
})
