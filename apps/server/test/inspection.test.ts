import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, dialects, startServer } from '@sotto/testing/internal'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

async function inspectionsOf(server: Pick<TestServer, 'client'>): Promise<string[]> {
  const inspections: string[] = []
  for await (const { action, subjectId } of server.client.audit.list())
    inspections.push(`${action} ${subjectId}`)
  return inspections.filter((entry) => /^(conversation|user\.conversations)/.test(entry)).toReversed()
}

describe.each(dialects)('inspected conversations on %s', (using) => {
  test('are shown to an admin who is not a participant, and each page is recorded in the audit log', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob', 'carol'] })
    const { client } = server
    const alice = await client.users.get({ user: 'alice' })
    for (let n = 1; n <= 5; n += 1) await server.as('alice').messages.send({ to: 'bob', text: `${n}` })
    const group = await server.as('alice').conversations.create({ name: 'Weekend', participants: ['carol'] })

    const listed = await Array.fromAsync(client.inspection.conversations({ user: 'alice', limit: 1 }))
    expect(listed.map(({ kind, name, lastSeq }) => ({ kind, name, lastSeq }))).toEqual(
      expect.arrayContaining([
        { kind: 'group', name: 'Weekend', lastSeq: 0 },
        { kind: 'direct', name: null, lastSeq: 5 },
      ]),
    )
    for (const conversation of listed) {
      expect(conversation).not.toHaveProperty('lastMessage')
      expect(conversation.participants).toHaveLength(2)
    }
    const direct = listed.find(({ kind }) => kind === 'direct')?.id ?? ''
    expect(await client.inspection.conversation({ conversationId: group.id })).toMatchObject({
      name: 'Weekend',
      participants: [
        { user: { username: 'alice' }, role: 'owner' },
        { user: { username: 'carol' }, role: 'member' },
      ],
    })
    const read = await Array.fromAsync(client.inspection.messages({ conversationId: direct, limit: 2 }))
    expect(read.map(({ text }) => text)).toEqual(['5', '4', '3', '2', '1'])

    expect(await inspectionsOf(server)).toEqual([
      `user.conversations_listed ${alice.id}`,
      `user.conversations_listed ${alice.id}`,
      `conversation.inspected ${group.id}`,
      `conversation.read ${direct}`,
      `conversation.read ${direct}`,
      `conversation.read ${direct}`,
    ])
    // For the participants, nothing has changed.
    const [last] = (await server.as('alice').direct.messages({ user: 'bob' })).items
    expect(last).toMatchObject({ deliveredAt: null, readAt: null })
  })

  test('that do not exist are not found, and nothing is recorded', async () => {
    await using server = await createTestServer({ using, users: ['alice'] })
    const { inspection } = server.client
    const conversationId = '01900000-0000-7000-8000-000000000000'
    expect(await codeOf(inspection.conversations({ user: 'nobody' }))).toBe('USER_NOT_FOUND')
    expect(await codeOf(inspection.conversation({ conversationId }))).toBe('CONVERSATION_NOT_FOUND')
    expect(await codeOf(inspection.messages({ conversationId }))).toBe('CONVERSATION_NOT_FOUND')
    expect(await codeOf(inspection.messages({ conversationId: 'x' }))).toBe('CONVERSATION_NOT_FOUND')
    expect(await inspectionsOf(server)).toEqual([])
  })

  test('are not shown if the audit log cannot be written', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    const { conversationId } = await server.send('alice', 'bob', 'hello')
    await sql`alter table audit rename to audit_away`.execute(server.app.db)
    const { inspection } = server.client
    expect(await codeOf(inspection.conversations({ user: 'alice' }))).toBe('INTERNAL')
    expect(await codeOf(inspection.conversation({ conversationId }))).toBe('INTERNAL')
    expect(await codeOf(inspection.messages({ conversationId }))).toBe('INTERNAL')
  })
})

describe.each(dialects)('account administration on %s', (using) => {
  test('shows role, state and sessions, and can end all sessions', async () => {
    const password = 'correct horse battery staple'
    await using server = await createTestServer({ using, users: [{ username: 'alice', password }, 'bob'] })
    const { client } = server
    expect(await client.users.account({ user: 'alice' })).toMatchObject({
      username: 'alice',
      role: 'user',
      disabled: false,
      secondFactor: false,
      lastWrongCodeAt: null,
    })
    for (let n = 0; n < 3; n += 1) await client.sessions.create({ username: 'alice', password })
    const sessions = await Array.fromAsync(client.sessions.listOf({ user: 'alice', limit: 2 }))
    expect(sessions).toHaveLength(3)
    expect(sessions.map(({ current }) => current)).toEqual([false, false, false])
    expect((await client.sessions.listOf({ user: 'bob' })).items).toEqual([])

    const { token } = await client.sessions.create({ username: 'alice', password })
    const me = () => server.fetch('/v1/me', { headers: { authorization: `Bearer ${token}` } })
    expect((await me()).status).toBe(200)
    await client.sessions.endAllOf({ user: 'alice' })
    expect((await me()).status).toBe(401)
    expect((await client.sessions.listOf({ user: 'alice' })).items).toEqual([])
    const { id } = await client.users.get({ user: 'alice' })
    const [act] = (await client.audit.list()).items
    expect(act).toMatchObject({ action: 'user.sessions_ended', subjectId: id })
  })
})
