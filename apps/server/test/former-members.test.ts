import { createTestServer, type TestServer } from '@sotto/testing'
import { dialects, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

/* What users see of a group that they have left: what it was like then. */

const users = ['alice', 'bob', 'carol']

/** Bob has left a group in which alice then changes everything that she can change. */
async function startWithFormerMember(using: 'sqlite' | 'postgres') {
  const server = await createTestServer({ using, users })
  const alice = server.as('alice')
  const bob = server.as('bob')
  const { cursor } = await bob.events.pull({})
  const { id: conversationId } = await alice.conversations.create({
    name: 'First',
    participants: ['bob', 'carol'],
  })
  const edited = await alice.messages.send({ conversationId, text: 'one' })
  server.clock.advance(1_000)
  const early = await alice.messages.edit({ messageId: edited.id, text: 'two' })
  const caption = await alice.messages.send({ conversationId, image: { url: 'https://example.com/a.png' } })
  const deleted = await alice.messages.send({ conversationId, text: 'gone' })
  await server.as('carol').messages.like({ messageId: edited.id })
  await alice.conversations.update({ conversationId, name: 'Second' })
  server.clock.advance(1_000)
  await alice.participants.remove({ conversationId, user: 'bob' })
  server.clock.advance(1_000)
  await alice.messages.edit({ messageId: edited.id, text: 'SECRET three' })
  await alice.messages.edit({ messageId: edited.id, text: 'SECRET four' })
  await alice.messages.edit({ messageId: caption.id, text: 'SECRET caption' })
  await alice.messages.react({ messageId: caption.id, emoji: '🎉' })
  await alice.messages.edit({ messageId: deleted.id, text: 'SECRET before the end' })
  await alice.messages.delete({ messageId: deleted.id })
  await alice.conversations.update({ conversationId, name: 'SECRET third' })
  await alice.conversations.update({ conversationId, name: 'SECRET fourth' })
  return { server, conversationId, cursor, edited, caption, deleted, editedAt: early.editedAt }
}

/** Everything that a user can read of a group. */
async function readAll(server: TestServer, user: string, conversationId: string, cursor: string) {
  const client = server.as(user)
  const inOrder = await Array.fromAsync(client.conversations.messages({ conversationId, after: 0 }))
  return {
    byId: await Promise.all(inOrder.map(({ id: messageId }) => client.messages.get({ messageId }))),
    newestFirst: await Array.fromAsync(client.conversations.messages({ conversationId })),
    inOrder,
    page: (await client.conversations.messages({ conversationId, page: 1, pageSize: 2 })).items,
    timeline: await Array.fromAsync(client.messages.list({ sender: 'alice' })),
    inbox: await Array.fromAsync(client.conversations.list()),
    events: (await client.events.pull({ cursor })).items,
    export: await Array.fromAsync(client.users.export({ user })),
  }
}

describe.each(dialects)('a former member of a group on %s', (using) => {
  test('sees messages and the name as of the end of the stay, everywhere', async () => {
    const { server, conversationId, cursor, ...sent } = await startWithFormerMember(using)
    await using _server = server
    const all = await readAll(server, 'bob', conversationId, cursor)

    expect(JSON.stringify(all)).not.toContain('SECRET')
    expect(JSON.stringify(all)).not.toContain('🎉')
    const [first, second, third] = all.inOrder
    expect(first).toMatchObject({ text: 'two', editedAt: sent.editedAt, reactions: [] })
    expect(second).toMatchObject({ text: null, editedAt: null, image: sent.caption.image, reactions: [] })
    // A deletion applies to everyone.
    expect(third).toMatchObject({ text: null, editedAt: null, deletedAt: expect.any(Date) })
    const byId = (id: string) => all.inOrder.find((message) => message.id === id)
    for (const list of [all.byId, all.newestFirst, all.page, all.timeline]) {
      expect(list.length).toBeGreaterThan(1)
      for (const message of list) expect(message).toEqual(byId(message.id))
    }
    const exported = all.export.flatMap((line) => (line.type === 'message' ? line.message : []))
    expect(exported).toEqual(all.inOrder)
    expect(all.export.flatMap((line) => (line.type === 'stay' ? line.stay.name : []))).toEqual(['Second'])
    const messagesInEvents = all.events.flatMap((event) => ('message' in event ? event.message : []))
    expect(messagesInEvents.map(({ seq }) => seq)).toEqual([1, 1, 2, 3])
    for (const message of messagesInEvents) expect(message).toEqual(byId(message.id))
    expect(all.events.find((event) => event.type === 'reaction.added')).toMatchObject({ reactions: [] })
  })

  test('sees the current state again after coming back, as do all others', async () => {
    const { server, conversationId, cursor, edited } = await startWithFormerMember(using)
    await using _server = server
    await server.as('alice').participants.set({ conversationId, user: 'bob' })
    const current = { text: 'SECRET four', reactions: [{ emoji: '👍', count: 1 }] }
    for (const user of ['bob', 'carol']) {
      expect(await server.as(user).messages.get({ messageId: edited.id })).toMatchObject(current)
    }
    expect(await server.client.messages.get({ messageId: edited.id })).toMatchObject(current)
    const all = await readAll(server, 'bob', conversationId, cursor)
    expect(all.inOrder[0]).toMatchObject(current)
    // The first stay ended with the second name.
    expect(all.export.flatMap((line) => (line.type === 'stay' ? line.stay.name : []))).toEqual([
      'Second',
      'SECRET fourth',
    ])

    await server.as('alice').participants.remove({ conversationId, user: 'bob' })
    await server.as('alice').messages.edit({ messageId: edited.id, text: 'five' })
    await server.as('alice').conversations.update({ conversationId, name: 'Fifth' })
    const left = await readAll(server, 'bob', conversationId, cursor)
    expect(left.inOrder[0]).toMatchObject({ text: 'SECRET four', reactions: [] })
    expect(left.export.flatMap((line) => (line.type === 'stay' ? line.stay.name : []))).toEqual([
      'Second',
      'SECRET fourth',
    ])
  })

  test('keeps nothing of a message whose sender is erased', async () => {
    const { server, conversationId, cursor } = await startWithFormerMember(using)
    await using _server = server
    await server.client.users.erase({ user: 'alice' })
    const texts = async () =>
      (await server.as('bob').conversations.messages({ conversationId })).items.map(({ text, image }) => [
        text,
        image,
      ])
    await expect.poll(texts, { timeout: 10_000 }).toEqual([
      [null, null],
      [null, null],
      [null, null],
    ])
    expect(JSON.stringify(await readAllAfterErasure(server, conversationId, cursor))).not.toMatch(/one|two/)
  })

  test('sees edits by servers of an earlier release by their time', async () => {
    await using server = await startServer(using, { users })
    const group = await server.call<{ id: string }>('alice', 'POST', '/v1/conversations', {
      name: 'Group',
      participants: ['bob'],
    })
    const message = await server.call<{ id: string }>('alice', 'POST', '/v1/messages', {
      conversationId: group.id,
      text: 'one',
    })
    const path = `/v1/messages/${message.id}` as const
    await server.call('alice', 'PATCH', path, { text: 'two' })
    // The clock of this server is the real one, and the times must differ.
    await new Promise((resolve) => setTimeout(resolve, 5))
    await server.call('alice', 'DELETE', `/v1/conversations/${group.id}/participants/bob`)
    await server.call('alice', 'PATCH', path, { text: 'SECRET' })
    await server.app.db.updateTable('message_edits').set({ event_id: null }).execute()
    expect(await server.call('bob', 'GET', path)).toMatchObject({ text: 'two' })
    expect(await server.call('alice', 'GET', path)).toMatchObject({ text: 'SECRET' })
  })

  test('keeps no more names than stays have ended', async () => {
    await using server = await startServer(using, { users })
    const { id } = await server.call<{ id: string }>('alice', 'POST', '/v1/conversations', {
      name: 'Group',
      participants: ['bob', 'carol'],
    })
    const rename = (name: string) => server.call('alice', 'PATCH', `/v1/conversations/${id}`, { name })
    const names = async () =>
      (await server.app.db.selectFrom('conversation_names').select('name').execute()).map(({ name }) => name)
    await rename('1')
    await rename('2')
    expect(await names()).toEqual([])
    await server.call('alice', 'DELETE', `/v1/conversations/${id}/participants/bob`)
    for (const name of ['3', '4', '5']) await rename(name)
    expect(await names()).toEqual(['2'])
    await server.call('alice', 'DELETE', `/v1/conversations/${id}/participants/carol`)
    for (const name of ['6', '7']) await rename(name)
    expect(await names()).toEqual(['2', '5'])
  })
})

async function readAllAfterErasure(server: TestServer, conversationId: string, cursor: string) {
  const client = server.as('bob')
  return {
    messages: (await client.conversations.messages({ conversationId })).items.map(({ text }) => text),
    events: (await client.events.pull({ cursor })).items.flatMap((event) =>
      'message' in event ? event.message.text : [],
    ),
    export: (await Array.fromAsync(client.users.export({ user: 'bob' }))).flatMap((line) =>
      line.type === 'message' ? line.message.text : [],
    ),
  }
}
