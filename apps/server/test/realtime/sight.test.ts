import { dialects, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

function presenceOf(world: RunningServer, as: string | undefined, user: string): Promise<object> {
  return world.call(as, 'GET', `/v1/users/${user}/presence`)
}

const NEVER_SEEN = { online: false, lastSeenAt: null }

describe.each(dialects)('who sees whom on %s', (using) => {
  test('those who share a conversation, until one has blocked the other, and nobody else', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    await world.send('alice', 'bob', 'hello')
    await using _alice = await world.sse('alice')
    await using _bob = await world.sse('bob')
    const online = { online: true, lastSeenAt: null }

    expect(await presenceOf(world, 'bob', 'alice')).toMatchObject(online)
    expect(await presenceOf(world, 'carol', 'alice')).toMatchObject(NEVER_SEEN)
    await world.call('alice', 'PUT', '/v1/blocks/bob')
    expect(await presenceOf(world, 'bob', 'alice')).toEqual(await presenceOf(world, 'carol', 'alice'))
    expect(await presenceOf(world, 'alice', 'bob')).toMatchObject(NEVER_SEEN)
    expect(await presenceOf(world, 'alice', 'alice')).toMatchObject(online)
    expect(await presenceOf(world, undefined, 'alice')).toMatchObject(online)
    await world.call('alice', 'DELETE', '/v1/blocks/bob')
    expect(await presenceOf(world, 'bob', 'alice')).toMatchObject(online)
  })

  test('a block ends what an open stream is told of presence and typing', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    const { conversationId } = await world.send('alice', 'bob', 'hello')
    await world.send('carol', 'bob', 'hello')
    await using alice = await world.sse('alice', '?presence=bob')
    await using carol = await world.sse('carol', '?presence=bob')
    await alice.inbox.until(() => alice.inbox.types.includes('presence.changed'))
    const isOnline = () =>
      carol.inbox.events.some((event) => event.type === 'presence.changed' && event.online)

    await world.call('bob', 'PUT', '/v1/blocks/alice')
    await using bob = await world.sse('bob')
    await carol.inbox.until(isOnline)
    const typing = `/v1/conversations/${conversationId}/typing` as const
    await world.call('bob', 'POST', typing, { typing: true })
    await world.call('alice', 'POST', typing, { typing: true })
    await world.send('carol', 'alice', 'the last')
    await world.send('carol', 'bob', 'the last')
    await alice.inbox.untilText('the last')
    await bob.inbox.untilText('the last')

    expect(alice.inbox.types.filter((type) => type === 'presence.changed')).toHaveLength(1)
    expect([...alice.inbox.types, ...bob.inbox.types]).not.toContain('typing.started')
    // Nor does a stream that opens now see more.
    await using later = await world.sse('alice', '?presence=bob')
    await world.send('carol', 'alice', 'later')
    await later.inbox.untilText('later')
    expect(later.inbox.types).not.toContain('presence.changed')
  })

  test('who was removed while nobody streamed is told nothing of the group any more', async () => {
    await using world = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    const group = { name: 'Group', participants: ['bob'] }
    const { id: conversationId } = await world.call<{ id: string }>(
      'alice',
      'POST',
      '/v1/conversations',
      group,
    )
    const before = await world.sse('bob')
    await world.call('alice', 'POST', '/v1/messages', { conversationId, text: 'for bob' })
    await before.inbox.untilText('for bob')
    await before[Symbol.asyncDispose]()
    await expect.poll(() => world.app.events.streamCount).toBe(0)

    await world.call('alice', 'DELETE', `/v1/conversations/${conversationId}/participants/bob`)
    await world.call('alice', 'PUT', `/v1/conversations/${conversationId}/participants/carol`)
    await using bob = await world.sse('bob')
    await using carol = await world.sse('carol')
    await world.call('alice', 'POST', '/v1/messages', { conversationId, text: 'not for bob' })
    await world.send('alice', 'bob', 'the last')
    await bob.inbox.untilText('the last')
    await carol.inbox.untilText('not for bob')
    expect(bob.inbox.texts).toEqual(['the last'])
  })
})
