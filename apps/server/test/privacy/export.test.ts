import type { ExportLine } from '@sotto/contract'
import { createTestServer, type TestServer } from '@sotto/testing'
import { basic, codeOf, dialects, fieldsOf, operations, rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'correct horse battery'

async function startWithData(using: 'sqlite' | 'postgres'): Promise<TestServer> {
  const server = await createTestServer({
    using,
    users: [{ username: 'alice', password, email: 'alice@example.com' }, 'bob', 'carol', 'dave'],
  })
  const [alice, bob, carol] = [server.as('alice'), server.as('bob'), server.as('carol')]
  await server.client.sessions.create({ username: 'alice', password })
  const group = await bob.conversations.create({ name: 'Weekend', participants: ['carol'] })
  const conversationId = group.id
  await bob.messages.send({ conversationId, text: 'before alice' })
  await bob.participants.set({ conversationId, user: 'alice', role: 'member' })
  await carol.messages.send({ conversationId, text: 'while alice' })
  await alice.participants.remove({ conversationId, user: 'alice' })
  await bob.messages.send({ conversationId, text: 'after alice' })
  for (let n = 1; n <= 7; n++) {
    await alice.messages.send({ to: 'bob', text: `to bob ${n}` })
    const received = await carol.messages.send({ to: 'alice', text: `from carol ${n}` })
    if (n === 5) {
      await alice.messages.like({ messageId: received.id })
      await alice.conversations.read({ conversationId: received.conversationId, seq: n })
    }
  }
  await bob.messages.send({ to: 'carol', text: 'behind her back' })
  const edited = await alice.messages.send({ to: 'carol', text: 'before the edit' })
  for (const text of ['edited', 'edited again']) await alice.messages.edit({ messageId: edited.id, text })
  await alice.contacts.add({ user: 'bob' })
  await alice.blocks.add({ user: 'dave' })
  return server
}

function textsOf(lines: readonly ExportLine[]): (string | null)[] {
  return lines.flatMap((line) => (line.type === 'message' ? line.message.text : []))
}

function linesOf(body: unknown): ExportLine[] {
  const text = String(body)
  expect(text.endsWith('\n')).toBe(true)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ExportLine)
}

const asLines = { headers: { accept: 'application/x-ndjson' } }

test('operations that respond in lines are paginated lists', () => {
  const inLines = operations.filter(({ entry }) => entry.http.lines)
  expect(inLines.map(({ name }) => name)).toContain('users.export')
  for (const { entry, fields } of inLines) {
    expect(Object.keys(fieldsOf(entry.output)).toSorted()).toEqual(['items', 'nextCursor'])
    expect(Object.keys(fields)).toEqual(expect.arrayContaining(['limit', 'cursor']))
  }
})

describe.each(dialects)('an export on %s', (using) => {
  test('contains all data of the user, and nothing that they may not read', async () => {
    await using server = await startWithData(using)
    const lines = await Array.fromAsync(server.as('alice').users.export({ user: 'alice' }))
    const types = lines.map((line) => line.type)
    expect([...new Set(types)]).toEqual([
      'profile',
      'session',
      'contact',
      'block',
      'stay',
      'message',
      'edit',
      'reaction',
      'receipt',
      'end',
    ])
    expect(textsOf(lines).toSorted()).toEqual(
      [
        'while alice',
        'edited again',
        ...Array.from({ length: 7 }, (_, n) => [`to bob ${n + 1}`, `from carol ${n + 1}`]).flat(),
      ].toSorted(),
    )
    expect(lines[0]).toMatchObject({ profile: { username: 'alice', email: 'alice@example.com' } })
    expect(lines.find((line) => line.type === 'contact')).toMatchObject({
      contact: { user: { username: 'bob' }, state: 'outgoing' },
    })
    expect(lines.find((line) => line.type === 'block')).toMatchObject({
      block: { user: { username: 'dave' } },
    })
    const stays = lines.flatMap((line) => (line.type === 'stay' ? line.stay : []))
    expect(stays.map(({ kind, leftAt }) => [kind, leftAt !== null]).toSorted()).toEqual([
      ['direct', false],
      ['direct', false],
      ['group', true],
    ])
    expect(lines.find((line) => line.type === 'reaction')).toMatchObject({ reaction: { emoji: '👍' } })
    expect(lines.find((line) => line.type === 'receipt' && line.receipt.kind === 'read')).toMatchObject({
      receipt: { seq: 5 },
    })
    const wire = JSON.stringify(lines)
    for (const secret of ['behind her back', 'before alice', 'after alice', 'token', 'argon2']) {
      expect(wire).not.toContain(secret)
    }
  })

  test('contains the earlier versions of messages that the user has sent', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob'] })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    const edit = async (client: typeof alice, messageId: string, texts: string[]) => {
      for (const text of texts) {
        server.clock.advance(1_000)
        await client.messages.edit({ messageId, text })
      }
    }
    const sent = await alice.messages.send({ to: 'bob', text: 'one' })
    await edit(alice, sent.id, ['two', 'three'])
    const image = await alice.messages.send({ to: 'bob', image: { url: 'https://example.com/a.png' } })
    await edit(alice, image.id, ['caption'])
    const received = await bob.messages.send({ to: 'alice', text: 'of bob' })
    await edit(bob, received.id, ['of bob, edited'])
    const deleted = await alice.messages.send({ to: 'bob', text: 'gone' })
    await edit(alice, deleted.id, ['gone, edited'])
    await alice.messages.delete({ messageId: deleted.id })

    for (const limit of [1, 2, 100]) {
      const lines = await Array.fromAsync(alice.users.export({ user: 'alice', limit }))
      const edits = lines.flatMap((line) => (line.type === 'edit' ? line.edit : []))
      expect(edits.map(({ messageId, text }) => [messageId, text])).toEqual([
        [sent.id, 'one'],
        [sent.id, 'two'],
        [image.id, null],
      ])
      const { editedAt } = await alice.messages.get({ messageId: sent.id })
      expect(edits[1]?.replacedAt).toEqual(editedAt)
    }
  })

  test('is the same in pages of any size and as lines, and can resume after any line', async () => {
    await using server = await startWithData(using)
    const whole = await Array.fromAsync(server.as('alice').users.export({ user: 'alice', limit: 200 }))
    for (const limit of [1, 2, 3]) {
      expect(await Array.fromAsync(server.as('alice').users.export({ user: 'alice', limit }))).toEqual(whole)
    }
    const streamed = await rest(server, 'GET /v1/users/alice/export', { as: 'alice', ...asLines })
    expect(streamed.headers.get('content-type')).toBe('application/x-ndjson')
    const expected = JSON.parse(JSON.stringify(whole)) as ExportLine[]
    expect(linesOf(streamed.body)).toEqual(expected)
    for (const [index, { cursor }] of expected.slice(0, -1).entries()) {
      const resumed = await rest(server, `GET /v1/users/alice/export?cursor=${cursor}`, {
        as: 'alice',
        ...asLines,
      })
      expect(linesOf(resumed.body)).toEqual(expected.slice(index + 1))
    }
  })

  test('is available to the user, a bare key and an admin, and adds one audit entry', async () => {
    await using server = await startWithData(using)
    expect(await codeOf(server.as('bob').users.export({ user: 'alice' }))).toBe('FORBIDDEN')
    const rejected = await rest(server, 'GET /v1/users/alice/export', { as: 'bob', ...asLines })
    expect(rejected.status).toBe(403)
    expect(rejected.headers.get('content-type')).toContain('application/problem+json')
    expect((await server.client.audit.list({ action: 'user.exported' })).items).toEqual([])

    await Array.fromAsync(server.client.users.export({ user: 'alice', limit: 2 }))
    await server.client.users.setRole({ user: 'carol', role: 'admin' })
    await server.client.passwords.set({ user: 'carol', newPassword: password })
    const byAdmin = await rest(server, 'GET /v1/users/alice/export', {
      authorization: basic('carol', password),
      ...asLines,
    })
    expect(linesOf(byAdmin.body)[0]).toMatchObject({ profile: { email: 'alice@example.com' } })
    const entries = (await server.client.audit.list({ action: 'user.exported' })).items
    expect(entries.map(({ actorKind }) => actorKind)).toEqual(['user', 'key'])
  })

  test('rejects cursors that it did not issue', async () => {
    await using server = await createTestServer({ using, users: ['alice'] })
    const cursorOf = (position: unknown[]) =>
      Buffer.from(JSON.stringify(['export', ...position])).toString('base64url')
    const id = '00000000-0000-0000-0000-000000000000'
    for (const cursor of [
      'nonsense',
      cursorOf(['passwords', id, '', 0, 0]),
      cursorOf(['messages', 'x', '', 0, 0]),
      cursorOf(['reactions', id, '\0', 0, 0]),
      cursorOf(['messages', id, '', -1, 0]),
    ]) {
      expect(await codeOf(server.client.users.export({ user: 'alice', cursor }))).toBe('INVALID_CURSOR')
    }
  })
})
