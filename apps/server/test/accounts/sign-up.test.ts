import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, dialects, rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'long enough'
const settings = { signUp: 'invitation' } as const
const HOUR_MS = 3_600_000

function signUp(server: TestServer, json: object) {
  return rest(server, 'POST /v1/users', { authorization: null, json: { password, ...json } })
}

const rejected = { status: 400, body: { code: 'INVALID_INPUT', issues: [{ path: 'invitation' }] } }

describe.each(dialects)('signing up with an invitation on %s', (using) => {
  test('works up to maxUses times, until the invitation expires', async () => {
    await using server = await createTestServer({ using, settings })
    server.clock.set('2026-05-01T10:00:00.000Z')
    const two = await server.client.invitations.create({ maxUses: 2, expiresInHours: 1 })
    expect(two).toEqual({
      id: expect.any(String),
      token: expect.stringMatching(/^in_[\w-]{43}$/),
      uses: 0,
      maxUses: 2,
      createdAt: new Date('2026-05-01T10:00:00.000Z'),
      expiresAt: new Date('2026-05-01T11:00:00.000Z'),
    })
    const { token: invitation } = two
    expect((await signUp(server, { username: 'ann', invitation })).status).toBe(201)
    expect((await signUp(server, { username: 'ben', invitation })).status).toBe(201)
    expect(await signUp(server, { username: 'cem', invitation })).toMatchObject(rejected)
    expect((await server.client.sessions.create({ username: 'ann', password })).user.username).toBe('ann')

    const { token: one } = await server.client.invitations.create({ expiresInHours: 1 })
    server.clock.advance(HOUR_MS)
    expect(await signUp(server, { username: 'cem', invitation: one })).toMatchObject(rejected)
    expect(await signUp(server, { username: 'cem', invitation: 'in_unknown' })).toMatchObject(rejected)
    expect(await signUp(server, { username: 'cem' })).toMatchObject(rejected)
    expect((await server.client.users.list()).items.map(({ username }) => username)).toEqual(['ann', 'ben'])
  })

  test('counts a use only if a user is created', async () => {
    await using server = await createTestServer({ using, settings, users: ['ann'] })
    const { token: invitation } = await server.client.invitations.create()
    expect((await signUp(server, { username: 'ann', invitation })).status).toBe(409)
    expect((await signUp(server, { username: 'ben', password: 'password', invitation })).status).toBe(400)
    expect((await signUp(server, { username: 'ben', invitation })).status).toBe(201)
    expect((await server.client.invitations.list()).items.map(({ uses }) => uses)).toEqual([1])
  })

  test('creates at most maxUses users in concurrent calls', async () => {
    await using server = await createTestServer({ using, settings })
    const { token: invitation } = await server.client.invitations.create({ maxUses: 3 })
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => signUp(server, { username: `user-${index}`, invitation })),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 201, 400, 400, 400, 400, 400])
    expect((await server.client.users.list()).items).toHaveLength(3)
  })

  test('fails once the invitation is revoked, but existing users stay', async () => {
    await using server = await createTestServer({ using, settings })
    const { id: invitationId, token: invitation } = await server.client.invitations.create({ maxUses: 9 })
    await signUp(server, { username: 'ann', invitation })
    await server.client.invitations.revoke({ invitationId })
    expect(await signUp(server, { username: 'ben', invitation })).toMatchObject(rejected)
    expect(await codeOf(server.client.invitations.revoke({ invitationId }))).toBe('INVITATION_NOT_FOUND')
    expect((await server.client.users.get({ user: 'ann' })).username).toBe('ann')
    expect(await server.client.invitations.list()).toEqual({ items: [], nextCursor: null })
  })

  test('lets only admins create and list invitations, which are listed newest first, in pages, without tokens', async () => {
    await using server = await createTestServer({
      using,
      settings,
      users: [
        { username: 'ann', password },
        { username: 'ben', password },
      ],
    })
    await server.client.users.setRole({ user: 'ann', role: 'admin' })
    const as = async (username: string) => {
      const { token } = await server.client.sessions.create({ username, password })
      return (line: `${string} /${string}`, json?: object) =>
        rest(server, line, { authorization: `Bearer ${token}`, json })
    }
    const [ann, ben] = [await as('ann'), await as('ben')]
    const { body } = await ann('POST /v1/invitations', {})
    const { id } = body as { id: string }
    expect((await ben('POST /v1/invitations', {})).status).toBe(403)
    expect((await ben('GET /v1/invitations')).status).toBe(403)
    expect((await ben(`DELETE /v1/invitations/${id}`)).status).toBe(403)
    // A service key that acts for an admin is not an admin.
    expect(await codeOf(server.as('ann').invitations.create())).toBe('FORBIDDEN')

    const second = await server.client.invitations.create()
    const third = await server.client.invitations.create()
    const pages: string[][] = []
    for await (const { items } of server.client.invitations.list({ limit: 2 }).pages()) {
      expect(JSON.stringify(items)).not.toContain('in_')
      pages.push(items.map((item) => item.id))
    }
    expect(pages).toEqual([[third.id, second.id], [id]])
  })
})

describe.each(dialects)('a password for signing up on %s', (using) => {
  test('must not be one of the most common ones in any letter case, even if a service key creates the user', async () => {
    await using server = await createTestServer({ using, settings: { signUp: 'open' } })
    for (const common of ['12345678', 'password1', 'PassWord1', 'iloveyou', 'qwertyuiop']) {
      for (const authorization of [null, `Bearer ${server.serviceKey}`]) {
        const json = { username: 'zoe', password: common }
        expect(await rest(server, 'POST /v1/users', { authorization, json }), common).toMatchObject({
          status: 400,
          body: { code: 'INVALID_INPUT', issues: [{ path: 'password' }] },
        })
      }
    }
    // There are no composition rules.
    expect((await signUp(server, { username: 'zoe', password: 'zzzzzzzzzzzzzzzy' })).status).toBe(201)
    expect((await signUp(server, { username: 'yan', password: '🙂'.repeat(8) })).status).toBe(201)
  })
})
