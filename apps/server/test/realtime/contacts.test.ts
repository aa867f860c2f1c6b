import { dialects, type Inbox, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

interface Pull {
  items: { id: string; type: string; userId: string; state: string }[]
  cursor: string
}

/** `bob: outgoing`, in the order in which it came. */
function contactsIn(world: { names: Map<string, string> }, inbox: Inbox): string[] {
  return inbox.events.flatMap((event) =>
    event.type === 'contact.updated' ? [`${world.names.get(event.userId)}: ${event.state}`] : [],
  )
}

async function start(using: 'sqlite' | 'postgres') {
  const world = await startServer(using, { users: ['alice', 'bob', 'carol'] })
  const { items } = await world.call<{ items: { id: string; username: string }[] }>(
    undefined,
    'GET',
    '/v1/users',
  )
  const names = new Map(items.map(({ id, username }) => [id, username]))
  return { ...world, names }
}

function contact(world: RunningServer, as: string, method: 'PUT' | 'DELETE', user: string): Promise<unknown> {
  return world.call(as, method, `/v1/contacts/${user}`)
}

describe.each(dialects)('changes of contacts on %s', (using) => {
  test('are told to both, on all their devices, and to nobody else', async () => {
    await using world = await start(using)
    await using alice = await world.sse('alice')
    await using aliceToo = await world.ws('alice')
    await using bob = await world.sse('bob')
    await using carol = await world.sse('carol')

    await contact(world, 'alice', 'PUT', 'bob')
    await bob.inbox.until(() => contactsIn(world, bob.inbox).length === 1)
    await alice.inbox.until(() => contactsIn(world, alice.inbox).length === 1)
    // Nothing changes, so nothing is told.
    await contact(world, 'alice', 'PUT', 'bob')
    await contact(world, 'bob', 'PUT', 'alice')
    await bob.inbox.until(() => contactsIn(world, bob.inbox).length === 2)
    await alice.inbox.until(() => contactsIn(world, alice.inbox).length === 2)
    await contact(world, 'bob', 'DELETE', 'alice')
    await contact(world, 'bob', 'DELETE', 'alice')
    await world.send('alice', 'carol', 'the last')
    for (const { inbox } of [alice, aliceToo, carol]) await inbox.untilText('the last')

    expect(contactsIn(world, alice.inbox)).toEqual(['bob: outgoing', 'bob: accepted', 'bob: none'])
    expect(contactsIn(world, bob.inbox)).toEqual(['alice: incoming', 'alice: accepted', 'alice: none'])
    expect(aliceToo.inbox.events.slice(0, 3)).toEqual(alice.inbox.events.slice(0, 3))
    expect(alice.inbox.events[0]).toMatchObject({ conversationId: null })
    expect(contactsIn(world, carol.inbox)).toEqual([])
  })

  test('hide a refusal and a block from who has asked', async () => {
    await using world = await start(using)
    for (const name of ['bob', 'carol']) await contact(world, name, 'PUT', 'alice')
    await using alice = await world.sse('alice')
    await using bob = await world.sse('bob')
    await using carol = await world.sse('carol')
    await contact(world, 'alice', 'DELETE', 'bob')
    await world.call('alice', 'PUT', '/v1/blocks/carol')
    await world.send('bob', 'carol', 'the last')
    await world.send('bob', 'alice', 'the last')
    for (const { inbox } of [alice, bob, carol]) await inbox.untilText('the last')

    expect(contactsIn(world, alice.inbox)).toEqual(['bob: none', 'carol: none'])
    expect(contactsIn(world, bob.inbox)).toEqual([])
    expect(contactsIn(world, carol.inbox)).toEqual([])
  })

  test('tell of a block what it ends', async () => {
    await using world = await start(using)
    await contact(world, 'alice', 'PUT', 'bob')
    await contact(world, 'bob', 'PUT', 'alice')
    await using bob = await world.sse('bob')
    await world.call('alice', 'PUT', '/v1/blocks/bob')
    await world.call('alice', 'PUT', '/v1/blocks/bob')
    await world.send('carol', 'bob', 'the last')
    await bob.inbox.untilText('the last')
    expect(contactsIn(world, bob.inbox)).toEqual(['alice: none'])
  })

  test('are caught up with as they stand by then, and are of no conversation', async () => {
    await using world = await start(using)
    const { conversationId } = await world.send('alice', 'bob', 'hello')
    const { cursor } = await world.call<Pull>('bob', 'GET', '/v1/events/pull')
    await using live = await world.sse('bob')
    await using ofConversation = await world.sse('bob', `?conversationId=${conversationId}`)
    await contact(world, 'alice', 'PUT', 'bob')
    await contact(world, 'bob', 'PUT', 'alice')
    await contact(world, 'carol', 'PUT', 'bob')
    await world.send('alice', 'bob', 'the last')
    for (const { inbox } of [live, ofConversation]) await inbox.untilText('the last')
    await using caughtUp = await world.sse('bob', `?conversationId=${conversationId}`, cursor)
    await caughtUp.inbox.untilText('the last')

    const missed = await world.call<Pull>('bob', 'GET', `/v1/events/pull?cursor=${cursor}`)
    const contacts = missed.items.filter(({ type }) => type === 'contact.updated')
    expect(contacts.map(({ userId, state }) => `${world.names.get(userId)}: ${state}`)).toEqual([
      'alice: accepted',
      'alice: accepted',
      'carol: incoming',
    ])
    expect(contacts.map(({ id }) => id)).toEqual(
      live.inbox.events.filter(({ type }) => type === 'contact.updated').map(({ id }) => id),
    )
    for (const { inbox } of [ofConversation, caughtUp]) expect(inbox.types).not.toContain('contact.updated')
  })
})
