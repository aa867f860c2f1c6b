import { contract } from '@sotto/contract'
import { type AuditRow, store } from '@sotto/db'
import { createTestServer } from '@sotto/testing'
import { callRest, callRpc, calls, codeOf, dialects, jsonOf, startServer } from '@sotto/testing/internal'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { startExampleServer } from './support/example-server.ts'

const keyInput = contract.keys.create.example.input
/** Mutations that require admin access. */
const privileged = calls.filter(({ entry }) => entry.access === 'admin' && entry.kind === 'mutation')

describe.each(dialects)('audit log on %s', (using) => {
  test.each(privileged)('records $name once, and nothing if the call is rejected', async (operation) => {
    const { entry } = operation
    for (const call of [callRpc, callRest]) {
      await using example = await startExampleServer(using, entry)
      const rows = async () => (await example.server.client.audit.list()).items
      const before = await rows()
      const input = jsonOf(entry.example.input) as Record<string, unknown>
      const rejected = [
        await call(example.server, operation, { ...input, surprise: '1' }, example.headers(entry.example.as)),
        await call(example.server, operation, input, {}),
      ]
      for (const { answer } of rejected) expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(await rows()).toEqual(before)

      const headers = { ...example.headers(entry.example.as), 'x-request-id': 'the-request' }
      expect((await call(example.server, operation, input, headers)).answer.code).toBeUndefined()
      const after = await rows()
      const [row, ...others] = after.filter(({ id }) => !before.some((earlier) => earlier.id === id))
      expect([others, after.length]).toEqual([[], before.length + 1])
      expect(row).toMatchObject({ actorKind: 'key', actorId: 'environment', requestId: 'the-request' })
    }
  })

  test('is written in the same transaction as the change it records', async () => {
    await using server = await startServer(using)
    const { db } = server.app
    const { id } = await server.client.keys.create(keyInput)
    const state = async () => ({
      keys: (await server.client.keys.list()).items,
      acts: (await server.client.audit.list()).items,
    })
    const before = await state()
    const failing = async () => [
      await codeOf(server.client.keys.create(keyInput)),
      await codeOf(server.client.keys.revoke({ keyId: id })),
    ]

    await db.schema.alterTable('audit').renameTo('audit_elsewhere').execute()
    expect(await failing()).toEqual(['INTERNAL', 'INTERNAL'])
    await db.schema.alterTable('audit_elsewhere').renameTo('audit').execute()
    expect(await state()).toEqual(before)

    await db.schema.alterTable('service_keys').renameColumn('revoked_at', 'elsewhere').execute()
    expect(await failing()).toEqual(['INTERNAL', 'INTERNAL'])
    await db.schema.alterTable('service_keys').renameColumn('elsewhere', 'revoked_at').execute()
    expect(await state()).toEqual(before)
  })

  test('records changes a service key makes to users and groups, but not changes by the users themselves', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob', 'carol'] })
    const alice = server.as('alice')
    const { id: conversationId } = await alice.conversations.create({ name: 'G', participants: ['bob'] })
    const act = async (client: typeof alice) => {
      await client.conversations.update({ conversationId, name: 'H' })
      await client.participants.set({ conversationId, user: 'carol' })
      await client.participants.remove({ conversationId, user: 'carol' })
      await client.users.update({ user: 'alice', displayName: 'A' })
    }
    const actions = async () => (await server.client.audit.list()).items.map((item) => item.action)
    await act(alice)
    expect(await actions()).toEqual([])
    await alice.conversations.update({ conversationId, name: 'G' })
    await act(server.client)
    const all = [
      'group.renamed',
      'group.participant_set',
      'group.participant_removed',
      'user.profile_changed',
    ]
    expect((await actions()).toSorted()).toEqual(all.toSorted())
    // Calls that change nothing are not recorded.
    await server.client.conversations.update({ conversationId, name: 'H' })
    await server.client.participants.remove({ conversationId, user: 'carol' })
    expect(await actions()).toHaveLength(all.length)
  })

  test('records concurrent revocations of a key once', async () => {
    await using server = await createTestServer({ using })
    const { id } = await server.client.keys.create(keyInput)
    await Promise.all(Array.from({ length: 5 }, () => server.client.keys.revoke({ keyId: id })))
    const { items } = await server.client.audit.list({ subject: id })
    expect(items.map(({ action }) => action)).toEqual(['key.revoked', 'key.created'])
  })

  test('rejects any statement that changes or deletes rows', async () => {
    await using server = await startServer(using)
    const { db } = server.app
    await server.client.keys.create(keyInput)
    const rows = () => db.selectFrom('audit').selectAll().execute()
    const before = await rows()
    const [row] = before
    if (!row) throw new Error('no row')
    const attempts = [
      db.updateTable('audit').set({ action: 'nothing' }).execute(),
      db.updateTable('audit').set({ action: 'nothing' }).where('id', '=', row.id).execute(),
      db.deleteFrom('audit').execute(),
      db.deleteFrom('audit').where('id', '=', row.id).execute(),
      db
        .insertInto('audit')
        .values({ ...row, action: 'nothing' })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ action: 'nothing' }))
        .execute(),
      // Each dialect supports one of these and rejects the other as a syntax error.
      sql`truncate audit`.execute(db),
      sql`replace into audit select id, actor_kind, actor_id, acting_for_id, 'nothing', subject_id, address, request_id, created_at from audit`.execute(
        db,
      ),
    ]
    const outcomes = await Promise.allSettled(attempts)
    const reasons = outcomes.map((outcome) =>
      outcome.status === 'rejected' ? String(outcome.reason) : 'the statement succeeded',
    )
    const rejected = /rows of audit are never changed/
    const syntaxError = /syntax error/
    for (const reason of reasons.slice(0, 5)) expect(reason).toMatch(rejected)
    for (const reason of reasons.slice(5))
      expect([rejected, syntaxError]).toSatisfy((patterns: RegExp[]) =>
        patterns.some((pattern) => pattern.test(reason)),
      )
    expect(reasons.slice(5).filter((reason) => rejected.test(reason))).toHaveLength(1)
    expect(await rows()).toEqual(before)
  })

  test('is listed only for admins, with every filter, in pages', async () => {
    await using server = await startServer(using, { users: ['alice', 'bob'] })
    const { db } = server.app
    const [alice, bob] = [
      await server.client.users.get({ user: 'alice' }),
      await server.client.users.get({ user: 'bob' }),
    ]
    const start = Date.parse('2026-03-01T00:00:00.000Z')
    const inserted = Array.from({ length: 12 }, (_, index): AuditRow => {
      const byAlice = index % 2 === 0
      return {
        id: `019c13a0-0000-7000-8000-0000000001${String(index).padStart(2, '0')}`,
        actor_kind: byAlice ? 'user' : 'command',
        actor_id: byAlice ? alice.id : null,
        acting_for_id: null,
        action: index % 3 === 0 ? 'user.role_changed' : 'key.created',
        subject_id: index % 4 === 0 ? bob.id : null,
        address: null,
        request_id: null,
        // Two rows share each timestamp.
        created_at: new Date(start + Math.floor(index / 2) * 1_000),
      }
    })
    // Starting the server added rows, all later than these.
    const acts = [...inserted, ...(await db.selectFrom('audit').selectAll().orderBy('id').execute())]
    for (const act of inserted) await store.audit.insert(db, act)

    const until = new Date(start + 4_000)
    const since = new Date(start + 1_000)
    const filters = [
      { input: {}, has: () => true },
      { input: { actor: 'ALICE' }, has: (act) => act.actor_id === alice.id },
      { input: { actor: alice.id }, has: (act) => act.actor_id === alice.id },
      { input: { subject: 'bob' }, has: (act) => act.subject_id === bob.id },
      { input: { action: 'key.created' }, has: (act) => act.action === 'key.created' },
      { input: { action: 'unheard.of' }, has: () => false },
      { input: { actor: 'environment' }, has: () => false },
      { input: { since }, has: (act) => act.created_at >= since },
      { input: { until }, has: (act) => act.created_at < until },
      {
        input: { since, until, actor: 'alice', subject: 'bob', action: 'key.created' },
        has: (act) =>
          act.created_at >= since &&
          act.created_at < until &&
          act.actor_id === alice.id &&
          act.subject_id === bob.id &&
          act.action === 'key.created',
      },
    ] satisfies { input: object; has: (act: AuditRow) => boolean }[]
    for (const { input, has } of filters) {
      const read: string[] = []
      for await (const { id } of server.client.audit.list({ ...input, limit: 2 })) read.push(id)
      const expected = acts.filter(has).map(({ id }) => id)
      expect(read, JSON.stringify(input)).toEqual(expected.toReversed())
    }
    expect(await codeOf(server.client.audit.list({ actor: 'nobody' }))).toBe('USER_NOT_FOUND')

    const asAlice = server.client.as('alice')
    expect(await codeOf(asAlice.audit.list())).toBe('FORBIDDEN')
    await db
      .updateTable('users')
      .set({ role: 'admin', password_hash: null })
      .where('id', '=', alice.id)
      .execute()
    // A service key that acts for an admin is not an admin.
    expect(await codeOf(asAlice.audit.list())).toBe('FORBIDDEN')
  })
})
