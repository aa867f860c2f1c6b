import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { LogType } from '@sotto/contract'
import { createClient } from '@sotto/sdk'
import { createTestServer } from '@sotto/testing'
import {
  basic,
  codeOf,
  dialects,
  findText,
  type RunningServer,
  rest,
  startServer,
  totpCode,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

/** Appears in every field that a user can write, and nowhere else. */
const CANARY = 'canary7f3a9c'
const USERNAME = `${CANARY}-name`
const PASSWORD = `${CANARY} password`
/** Longer than any operation that was in progress when the erase was accepted. */
const SETTLED_MS = 2 * 60_000
/** The only columns that may still contain an erased user's id: conversation membership and past actions. */
const ID_HOLDERS = [
  'audit.acting_for_id',
  'audit.actor_id',
  'audit.subject_id',
  'conversations.direct_key',
  'events.audience_user_id',
  'events.user_id',
  'jobs.subject_id',
  'messages.recipient_id',
  'messages.sender_id',
  'participants.added_by',
  'participants.user_id',
  'users.id',
  'webhook_deliveries.audience_user_id',
  'webhook_deliveries.user_id',
]

async function startWithClock(using: 'sqlite' | 'postgres') {
  let now = Date.parse('2026-05-01T10:00:00.000Z')
  const server = await startServer(using, {
    users: ['bob', 'carol', 'dave'],
    inFile: true,
    settings: { secret: 'a secret of at least thirty-two characters' },
    overrides: { now: () => new Date(now) },
  })
  return { server, advance: (ms: number) => (now += ms), now: () => new Date(now) }
}

/** Creates a user who writes the canary to every field that a user can write. */
async function createActiveUser(
  server: RunningServer,
  now: Date,
): Promise<{ id: string; conversationId: string }> {
  const { client, url } = server
  const { id } = await client.users.create({
    username: USERNAME,
    password: PASSWORD,
    displayName: `${CANARY} display`,
    firstName: `${CANARY} first`,
    lastName: `${CANARY} last`,
    email: `${CANARY}@example.com`,
    avatarUrl: `https://example.com/${CANARY}.png`,
  })
  const response = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': `${CANARY} agent` },
    body: JSON.stringify({ username: USERNAME, password: PASSWORD }),
  })
  const { token } = (await response.json()) as { token: string }
  const self = createClient({ url, token })
  const bob = client.as('bob')

  const first = await self.messages.send({
    to: 'bob',
    text: `${CANARY} text`,
    clientMessageId: `${CANARY} id`,
  })
  const { conversationId } = first
  await self.messages.edit({ messageId: first.id, text: `${CANARY} edited` })
  await self.messages.edit({ messageId: first.id, text: `${CANARY} edited again` })
  const image = { url: `https://example.com/${CANARY}-image.png`, alt: `${CANARY} alt` }
  await self.messages.send({ conversationId, image })
  await self.messages.send({ conversationId, video: { url: `https://example.com/${CANARY}.mp4` } })
  const withdrawn = await self.messages.send({
    conversationId,
    text: `${CANARY} withdrawn`,
    clientMessageId: `${CANARY} 2`,
  })
  await self.messages.delete({ messageId: withdrawn.id })
  await self.messages.send({ to: USERNAME, text: `${CANARY} note to self` })
  await bob.messages.like({ messageId: first.id })
  const fromBob = await bob.messages.send({ conversationId, text: 'from bob' })
  await self.messages.like({ messageId: fromBob.id })
  await bob.messages.like({ messageId: fromBob.id })
  await self.conversations.read({ conversationId, seq: fromBob.seq })

  const group = await self.conversations.create({ name: 'a group', participants: ['bob', 'carol'] })
  await self.messages.send({ conversationId: group.id, text: `${CANARY} in a group` })
  await self.contacts.add({ user: 'bob' })
  await bob.contacts.add({ user: USERNAME })
  await self.blocks.add({ user: 'dave' })
  await client.as('carol').blocks.add({ user: USERNAME })

  const { secret } = await self.totp.start()
  await self.totp.confirm({ code: totpCode(secret, now) })
  await client.passwords.issueReset({ user: USERNAME })
  return { id, conversationId }
}

async function untilErased({ client }: RunningServer, userId: string, advance: () => void): Promise<void> {
  await expect
    .poll(
      async () => {
        advance()
        return (await client.audit.list({ action: 'user.erased' })).items.map((entry) => entry.subjectId)
      },
      { timeout: 20_000, interval: 250 },
    )
    .toEqual([userId])
}

describe.each(dialects)('an erased user on %s', (using) => {
  test('leaves no content in tables, files or logs', async () => {
    const { server, advance, now } = await startWithClock(using)
    await using _server = server
    const { db } = server.app
    // Its host does not resolve, so deliveries stay pending.
    await server.client.webhooks.create({ url: 'https://hooks.example' })
    const { id, conversationId } = await createActiveUser(server, now())
    // Checks that the search works.
    expect(await findText(db, CANARY)).toEqual(
      expect.arrayContaining([
        'message_edits.text',
        'messages.client_message_id',
        'messages.media',
        'messages.text',
        'sessions.user_agent',
        'users.avatar_url',
        'users.display_name',
        'users.display_name_key',
        'users.email',
        'users.email_key',
        'users.first_name',
        'users.last_name',
        'users.username',
      ]),
    )

    await server.client.users.erase({ user: USERNAME })
    await expect.poll(() => findText(db, CANARY)).toEqual([])
    await untilErased(server, id, () => advance(SETTLED_MS))

    expect(await findText(db, CANARY)).toEqual([])
    const holders = await findText(db, id)
    expect(ID_HOLDERS).toEqual(expect.arrayContaining(holders))
    for (const file of databaseFilesOf(server)) {
      expect(readFileSync(file).toString('latin1').toLowerCase(), file).not.toContain(CANARY)
    }
    expect(server.logs.filter((line) => line.toLowerCase().includes(CANARY))).toEqual([])

    const { items } = await server.client.as('bob').conversations.messages({ conversationId })
    const tombstones = items.filter((message) => message.senderId === id)
    expect(tombstones).toHaveLength(4)
    for (const message of tombstones) {
      expect(message).toMatchObject({ text: null, image: null, video: null, deletedAt: expect.any(Date) })
      expect(message.sender).toMatch(/^erased-[0-9a-f]{25}$/)
    }
    expect(items.find((message) => message.senderId !== id)).toMatchObject({
      text: 'from bob',
      readAt: null,
      reactions: [{ emoji: '👍', count: 1, byMe: true }],
    })
  })

  test('is gone when the request returns, and their username is free again', async () => {
    await using server = await createTestServer({
      using,
      users: [{ username: 'alice', password: PASSWORD, email: 'alice@example.com' }, 'bob'],
    })
    const { token } = await server.client.sessions.create({ username: 'alice', password: PASSWORD })
    const alice = createClient({ url: server.url, token, fetch: server.fetch, retries: 0 })
    const { conversationId } = await alice.messages.send({ to: 'bob', text: 'hello' })
    const { id } = await alice.users.me()

    await alice.users.erase({ user: 'alice' })
    expect(await codeOf(alice.users.me())).toBe('UNAUTHENTICATED')
    expect(await codeOf(server.client.sessions.create({ username: 'alice', password: PASSWORD }))).toBe(
      'UNAUTHENTICATED',
    )
    const byPassword = await rest(server, 'GET /v1/me', { authorization: basic('alice', PASSWORD) })
    expect(byPassword.status).toBe(401)
    for (const name of ['alice', id]) {
      expect(await codeOf(server.as(name).conversations.list())).toBe('USER_NOT_FOUND')
      expect(await codeOf(server.client.users.get({ user: name }))).toBe('USER_NOT_FOUND')
      expect(await codeOf(server.as('bob').messages.send({ to: name, text: 'hello' }))).toBe('USER_NOT_FOUND')
    }
    expect(await codeOf(server.as('bob').messages.send({ conversationId, text: 'hello' }))).toBe(
      'USER_NOT_FOUND',
    )
    expect((await server.client.users.list()).items.map(({ username }) => username)).toEqual(['bob'])
    expect(await codeOf(server.client.users.erase({ user: 'alice' }))).toBe('USER_NOT_FOUND')

    const again = await server.client.users.create({ username: 'alice', email: 'alice@example.com' })
    expect(again.id).not.toBe(id)
    expect((await server.as('alice').conversations.list()).items).toEqual([])
  })

  test('produces events for other users: one per deleted message, and the new owner of a group', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob', 'carol'] })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    for (const text of ['1', '2', '3']) await alice.messages.send({ to: 'bob', text })
    const fromBob = await bob.messages.send({ to: 'alice', text: 'from bob' })
    await alice.messages.like({ messageId: fromBob.id })
    const group = await alice.conversations.create({ name: 'a group', participants: ['bob', 'carol'] })
    await bob.conversations.read({ conversationId: fromBob.conversationId, seq: 1 })
    const { cursor } = await bob.events.pull()

    await server.client.users.erase({ user: 'alice' })
    await expect
      .poll(async () => (await bob.conversations.get({ conversationId: group.id })).participantCount, {
        timeout: 15_000,
      })
      .toBe(2)
    await expect
      .poll(
        async () => {
          const types = (await bob.events.pull({ cursor })).items.map(({ type }) => type)
          // Ignores earlier events that PostgreSQL settles only now, and receipts, whose timing varies.
          return types.filter((type) => /deleted|removed|participant/.test(type))
        },
        { timeout: 15_000 },
      )
      .toEqual([
        'participant.left',
        'participant.updated',
        'message.deleted',
        'message.deleted',
        'message.deleted',
        'reaction.removed',
      ])
    const { participants } = await bob.conversations.get({ conversationId: group.id })
    expect(participants.map(({ user, role }) => [user.username, role])).toEqual([
      ['bob', 'owner'],
      ['carol', 'member'],
    ])
    const direct = await bob.conversations.get({ conversationId: fromBob.conversationId })
    expect(direct.unreadCount).toBe(0)
    expect((await bob.messages.get({ messageId: fromBob.id })).reactions).toEqual([])
  })

  test('can only be erased by themselves, a bare key or an admin', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob', 'carol', 'dave'] })
    await server.client.users.setRole({ user: 'carol', role: 'admin' })
    expect(await codeOf(server.as('bob').users.erase({ user: 'alice' }))).toBe('FORBIDDEN')
    expect(await codeOf(server.as('carol').users.erase({ user: 'alice' }))).toBe('FORBIDDEN')
    const reader = await server.client.keys.create({ name: 'reader', scopes: ['read'] })
    const byReader = await rest(server, 'DELETE /v1/users/alice', { authorization: `Bearer ${reader.key}` })
    expect(byReader.status).toBe(403)
    expect((await server.client.users.list()).items).toHaveLength(4)

    await server.client.passwords.set({ user: 'carol', newPassword: PASSWORD })
    const byAdmin = await rest(server, 'DELETE /v1/users/alice', { authorization: basic('carol', PASSWORD) })
    expect(byAdmin.status).toBe(204)
    await server.as('bob').users.erase({ user: 'bob' })
    const entries = (await server.client.audit.list({ action: 'user.erase_accepted' })).items
    expect(
      entries.map(({ actorKind, actingForId, subjectId }) => [actorKind, actingForId === subjectId]),
    ).toEqual([
      ['key', true],
      ['user', false],
    ])
  })

  test('is erased completely, with one event per message, even if servers stop meanwhile', {
    timeout: 60_000,
  }, async () => {
    const { server, advance } = await startWithClock(using)
    await using _server = server
    const { id } = await server.client.users.create({ username: USERNAME })
    const TOTAL = 500
    const self = server.client.as(USERNAME)
    await Promise.all(
      Array.from({ length: TOTAL }, (_, n) => self.messages.send({ to: 'bob', text: `${CANARY} ${n}` })),
    )
    const { db } = server.app
    const left = () =>
      db
        .selectFrom('messages')
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .where('sender_id', '=', id)
        .where('text', 'is not', null)
        .executeTakeFirstOrThrow()
    await server.client.users.erase({ user: USERNAME })
    await expect.poll(async () => (await left()).n, { interval: 1, timeout: 15_000 }).toBeLessThan(TOTAL)
    await server.close()

    await using next = await server.another()
    const count = async (type: LogType) =>
      (
        await next.app.db
          .selectFrom('events')
          .select((eb) => eb.fn.countAll<number>().as('n'))
          .where('type', '=', type)
          .executeTakeFirstOrThrow()
      ).n
    const before = await count('message.deleted')
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(TOTAL)
    await expect.poll(() => findText(next.app.db, CANARY), { timeout: 15_000 }).toEqual([])
    expect(await count('message.deleted')).toBe(TOTAL)

    // A killed server leaves the job claimed, so another server takes it over later.
    await next.app.db
      .updateTable('jobs')
      .set({ due_at: new Date('2026-05-01T10:00:30.000Z') })
      .execute()
    await untilErased(next, id, () => advance(SETTLED_MS))
    expect(await count('message.deleted')).toBe(TOTAL)
  })

  test('has their open streams closed', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    await using stream = await server.sse('alice')
    await server.client.users.erase({ user: 'alice' })
    const ended = stream.ended.then(() => 'ended')
    expect(await Promise.race([ended, wait(5_000)])).toBe('ended')
  })
})

/** The SQLite database file, its WAL and its shared memory file. Empty for PostgreSQL. */
function databaseFilesOf({ databaseUrl }: RunningServer): string[] {
  if (!databaseUrl.startsWith('file:')) return []
  const path = databaseUrl.slice('file:'.length)
  return [path, `${path}-wal`, `${path}-shm`].filter((file) => existsSync(file))
}
