import { dialects, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

function presenceOf(server: RunningServer, as: string | undefined, user: string): Promise<object> {
  return server.call(as, 'GET', `/v1/users/${user}/presence`)
}

const NEVER_SEEN = { online: false, lastSeenAt: null }

describe.each(dialects)('visibility on %s', (using) => {
  test('presence is only visible to users who share a conversation and have not blocked each other', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    await server.send('alice', 'bob', 'hello')
    await using _alice = await server.sse('alice')
    await using _bob = await server.sse('bob')
    const online = { online: true, lastSeenAt: null }

    expect(await presenceOf(server, 'bob', 'alice')).toMatchObject(online)
    expect(await presenceOf(server, 'carol', 'alice')).toMatchObject(NEVER_SEEN)
    await server.call('alice', 'PUT', '/v1/blocks/bob')
    expect(await presenceOf(server, 'bob', 'alice')).toEqual(await presenceOf(server, 'carol', 'alice'))
    expect(await presenceOf(server, 'alice', 'bob')).toMatchObject(NEVER_SEEN)
    expect(await presenceOf(server, 'alice', 'alice')).toMatchObject(online)
    expect(await presenceOf(server, undefined, 'alice')).toMatchObject(online)
    await server.call('alice', 'DELETE', '/v1/blocks/bob')
    expect(await presenceOf(server, 'bob', 'alice')).toMatchObject(online)
  })

  test('a block stops presence and typing on open streams', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    const { conversationId } = await server.send('alice', 'bob', 'hello')
    await server.send('carol', 'bob', 'hello')
    await using alice = await server.sse('alice', '?presence=bob')
    await using carol = await server.sse('carol', '?presence=bob')
    await alice.inbox.until(() => alice.inbox.types.includes('presence.changed'))
    const isOnline = () =>
      carol.inbox.events.some((event) => event.type === 'presence.changed' && event.online)

    await server.call('bob', 'PUT', '/v1/blocks/alice')
    await using bob = await server.sse('bob')
    await carol.inbox.until(isOnline)
    const typing = `/v1/conversations/${conversationId}/typing` as const
    await server.call('bob', 'POST', typing, { typing: true })
    await server.call('alice', 'POST', typing, { typing: true })
    await server.send('carol', 'alice', 'the last')
    await server.send('carol', 'bob', 'the last')
    await alice.inbox.untilText('the last')
    await bob.inbox.untilText('the last')

    expect(alice.inbox.types.filter((type) => type === 'presence.changed')).toHaveLength(1)
    expect([...alice.inbox.types, ...bob.inbox.types]).not.toContain('typing.started')
    // The same applies to a new stream.
    await using later = await server.sse('alice', '?presence=bob')
    await server.send('carol', 'alice', 'later')
    await later.inbox.untilText('later')
    expect(later.inbox.types).not.toContain('presence.changed')
  })

  test('a user removed from a group while offline receives none of its later events', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob', 'carol'] })
    const group = { name: 'Group', participants: ['bob'] }
    const { id: conversationId } = await server.call<{ id: string }>(
      'alice',
      'POST',
      '/v1/conversations',
      group,
    )
    const before = await server.sse('bob')
    await server.call('alice', 'POST', '/v1/messages', { conversationId, text: 'for bob' })
    await before.inbox.untilText('for bob')
    await before[Symbol.asyncDispose]()
    await expect.poll(() => server.app.events.streamCount).toBe(0)

    await server.call('alice', 'DELETE', `/v1/conversations/${conversationId}/participants/bob`)
    await server.call('alice', 'PUT', `/v1/conversations/${conversationId}/participants/carol`)
    await using bob = await server.sse('bob')
    await using carol = await server.sse('carol')
    await server.call('alice', 'POST', '/v1/messages', { conversationId, text: 'not for bob' })
    await server.send('alice', 'bob', 'the last')
    await bob.inbox.untilText('the last')
    await carol.inbox.untilText('not for bob')
    expect(bob.inbox.texts).toEqual(['the last'])
  })
})
