import { createTestServer } from '@sotto/testing'
import { codeOf, dialects, failureOf, rest } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

describe.each(dialects)('users on %s', (using) => {
  test('have the given fields, null for all others, and no password', async () => {
    await using server = await createTestServer({ using })
    server.clock.set('2026-05-01T10:00:00.123Z')
    const created = await rest(server, 'POST /v1/users', {
      json: { username: 'zoe', firstName: ' Zoë ', password: 'long enough', email: 'Zoe@Example.com' },
    })

    expect(created).toMatchObject({ status: 201 })
    expect(created.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      username: 'zoe',
      externalId: null,
      displayName: null,
      firstName: ' Zoë ',
      lastName: null,
      email: 'Zoe@Example.com',
      avatarUrl: null,
      createdAt: '2026-05-01T10:00:00.123Z',
      updatedAt: '2026-05-01T10:00:00.123Z',
    })
    expect((await rest(server, 'GET /v1/users/zoe')).body).toEqual(created.body)
  })

  test('have lowercase usernames, and can be named in any letter case or by id', async () => {
    await using server = await createTestServer({ using })
    const zoe = await server.client.users.create({ username: 'Zoe.O-Hara_9' })

    expect(zoe.username).toBe('zoe.o-hara_9')
    for (const ref of ['ZOE.o-hara_9', zoe.id, zoe.id.toUpperCase()]) {
      expect(await server.client.users.get({ user: ref })).toEqual(zoe)
      expect((await server.as(ref).messages.send({ to: ref, text: 'note' })).sender).toBe(zoe.username)
    }
    expect(await codeOf(server.client.users.create({ username: 'ZOE.O-HARA_9' }))).toBe('USERNAME_TAKEN')
  })

  test('have usernames of 1 to 32 characters that start with a letter or digit', async () => {
    await using server = await createTestServer({ using })
    for (const username of ['a', '7', 'a'.repeat(32), 'a._-']) {
      expect((await server.client.users.create({ username })).username).toBe(username)
    }
    for (const username of ['', '.a', '_a', '-a', 'a b', 'a'.repeat(33), 'é', 'ａ', 'a\n', 'a/b', '\u212a']) {
      const error = await failureOf(server.client.users.create({ username }))
      expect([error.code, error.issues.map(({ path }) => path)]).toEqual(['INVALID_INPUT', ['username']])
    }
  })

  test('have unique usernames and email addresses, ignoring case', async () => {
    await using server = await createTestServer({
      using,
      users: [{ username: 'alice', email: 'a@example.com' }],
    })
    const { users } = server.client
    expect(await codeOf(users.create({ username: 'Alice' }))).toBe('USERNAME_TAKEN')
    expect(await codeOf(users.create({ username: 'bob', email: 'A@EXAMPLE.com' }))).toBe('EMAIL_TAKEN')
    expect(await codeOf(users.create({ username: 'alice', email: 'a@example.com' }))).toBe('USERNAME_TAKEN')
    await users.create({ username: 'bob', email: 'b@example.com' })
    expect(await codeOf(users.update({ user: 'bob', email: 'a@Example.com' }))).toBe('EMAIL_TAKEN')
    // Changing the case of one's own address is not a conflict.
    expect((await users.update({ user: 'alice', email: 'A@example.com' })).email).toBe('A@example.com')
  })

  test('show their email address only to themselves and to a bare key', async () => {
    await using server = await createTestServer({
      using,
      users: [{ username: 'alice', email: 'alice@example.com', password: 'long enough' }, 'bob'],
    })
    await server.as('bob').messages.send({ to: 'alice', text: 'hi' })
    const seen = async (as: string | undefined) => {
      const client = as === undefined ? server.client : server.as(as)
      const { items } = await client.users.list({ q: 'alice' })
      return [await client.users.get({ user: 'alice' }), ...items]
    }

    for (const viewer of [undefined, 'alice']) {
      for (const user of await seen(viewer)) expect(user.email).toBe('alice@example.com')
    }
    for (const user of await seen('bob')) expect(user).not.toHaveProperty('email')
    const elsewhere = JSON.stringify([
      await server.as('bob').direct.get({ user: 'alice' }),
      await server.as('bob').conversations.list(),
      await server.client.users.correspondents({ user: 'bob' }),
      await server.as('bob').users.correspondents({ user: 'bob' }),
      await server.as('bob').users.list(),
    ])
    expect(elsewhere).toContain('alice')
    expect(elsewhere).not.toContain('example.com')
    const bob = await server.client.users.get({ user: 'bob' })
    expect(bob).toHaveProperty('email', null)
  })

  test('can be changed by a bare key or by themselves: omitted fields stay, and null clears a field', async () => {
    await using server = await createTestServer({ using, users: ['bob'] })
    server.clock.set('2026-05-01T10:00:00.000Z')
    await server.client.users.create({ username: 'alice', displayName: 'Alice', lastName: 'Liddell' })
    server.clock.advance(1_000)

    const byKey = await server.client.users.update({ user: 'alice', avatarUrl: 'https://example.com/a.png' })
    expect(byKey).toMatchObject({
      displayName: 'Alice',
      lastName: 'Liddell',
      avatarUrl: 'https://example.com/a.png',
    })
    expect(byKey.updatedAt).toEqual(new Date('2026-05-01T10:00:01.000Z'))
    expect(byKey.createdAt).toEqual(new Date('2026-05-01T10:00:00.000Z'))
    const byAlice = await server.as('alice').users.update({ user: 'alice', lastName: null })
    expect(byAlice).toMatchObject({ displayName: 'Alice', lastName: null })
    expect(await codeOf(server.as('bob').users.update({ user: 'alice', lastName: 'X' }))).toBe('FORBIDDEN')
    expect(await codeOf(server.client.users.update({ user: 'nobody', lastName: 'X' }))).toBe('USER_NOT_FOUND')
    // A cleared display name is no longer found by the search.
    await server.client.users.update({ user: 'alice', displayName: null })
    expect((await server.client.users.list({ q: 'Ali' })).items.map(({ username }) => username)).toEqual([
      'alice',
    ])
    await server.client.users.update({ user: 'bob', displayName: 'Älice' })
    expect((await server.client.users.list({ q: 'äLI' })).items.map(({ username }) => username)).toEqual([
      'bob',
    ])
  })

  test('are listed by username, and found by a prefix of username or displayName', async () => {
    await using server = await createTestServer({
      using,
      users: [
        { username: 'carl', displayName: 'A%b' },
        { username: 'a_b' },
        { username: 'axb' },
        { username: 'dora', displayName: 'Åsa' },
        { username: 'emil', displayName: 'a_Bc' },
        { username: 'finn', displayName: 'not a_b' },
        { username: 'gus', displayName: '🙂 Gus' },
        { username: 'hera', displayName: 'ΟΔΥΣΣΕΥΣ' },
        { username: 'ivy', displayName: '\u{10FFFF}end' },
        { username: 'jo', displayName: "' OR 1=1 --" },
      ],
    })
    const found = async (q?: string) =>
      (await server.client.users.list(q === undefined ? {} : { q })).items.map(({ username }) => username)

    expect(await found()).toEqual(['a_b', 'axb', 'carl', 'dora', 'emil', 'finn', 'gus', 'hera', 'ivy', 'jo'])
    expect(await found('a_b')).toEqual(['a_b', 'emil'])
    expect(await found('A_B')).toEqual(['a_b', 'emil'])
    expect(await found('a%')).toEqual(['carl'])
    expect(await found('%')).toEqual([])
    expect(await found('_')).toEqual([])
    expect(await found('å')).toEqual(['dora'])
    expect(await found('ÅSA')).toEqual(['dora'])
    expect(await found('🙂')).toEqual(['gus'])
    expect(await found('οδυ')).toEqual(['hera'])
    // A capital sigma at the end of the query matches a sigma within a word, not only a final sigma.
    expect(await found('ΟΔΥΣ')).toEqual(['hera'])
    expect(await found('\u{10FFFF}')).toEqual(['ivy'])
    expect(await found("' or 1=1")).toEqual(['jo'])
    expect(await found('b')).toEqual([])
    expect(await found('\\')).toEqual([])
  })

  test('are listed in pages, with and without a search', async () => {
    await using server = await createTestServer({ using })
    const names = Array.from({ length: 7 }, (_, index) => `user-${index}`)
    for (const [index, username] of names.entries()) {
      await server.client.users.create({ username, displayName: index % 2 ? 'Odd' : 'user' })
    }
    for (const q of [undefined, 'USER']) {
      const pages: string[][] = []
      for await (const { items } of server.client.users.list({ limit: 3, ...(q && { q }) }).pages()) {
        pages.push(items.map(({ username }) => username))
      }
      expect(pages).toEqual([names.slice(0, 3), names.slice(3, 6), names.slice(6)])
    }
    const exact: string[][] = []
    for await (const { items } of server.client.users.list({ limit: 7 }).pages()) {
      exact.push(items.map(({ username }) => username))
    }
    expect(exact).toEqual([names])
  })

  test('have correspondents: users they exchanged direct messages with, latest first', async () => {
    await using server = await createTestServer({ using, users: ['alice', 'bob', 'carol', 'dave'] })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    const at = (second: number) => server.clock.set(`2026-05-01T10:00:0${second}.000Z`)
    at(1)
    await alice.messages.send({ to: 'bob', text: 'one' })
    const deleted = await alice.messages.send({ to: 'bob', text: 'two' })
    at(2)
    await server.as('carol').messages.send({ to: 'alice', text: 'three' })
    at(3)
    await alice.messages.send({ to: 'alice', text: 'a note' })
    await bob.messages.send({ to: 'carol', text: 'none of your business' })
    at(4)
    await alice.messages.delete({ messageId: deleted.id })

    const shape = async (client: typeof alice) =>
      (await client.users.correspondents({ user: 'alice' })).items.map((item) => [
        item.user.username,
        item.sentCount,
        item.receivedCount,
        item.lastMessageAt.getUTCSeconds(),
      ])
    const expected = [
      ['carol', 0, 1, 2],
      ['bob', 2, 0, 1],
    ]
    expect(await shape(server.client)).toEqual(expected)
    expect(await shape(alice)).toEqual(expected)
    at(5)
    await bob.messages.send({ to: 'alice', text: 'back' })
    expect(await shape(alice)).toEqual([
      ['bob', 2, 1, 5],
      ['carol', 0, 1, 2],
    ])
    expect(await codeOf(bob.users.correspondents({ user: 'alice' }))).toBe('FORBIDDEN')
    expect(await codeOf(server.client.users.correspondents({ user: 'nobody' }))).toBe('USER_NOT_FOUND')
    expect(await server.client.users.correspondents({ user: 'dave' })).toEqual({
      items: [],
      nextCursor: null,
    })

    const paged: string[] = []
    for await (const { user } of alice.users.correspondents({ user: 'alice', limit: 1 }))
      paged.push(user.username)
    expect(paged).toEqual(['bob', 'carol'])
  })

  test('have field lengths counted in code points, not in UTF-16 units', async () => {
    await using server = await createTestServer({ using })
    const longest = '🙂'.repeat(128)
    const zoe = await server.client.users.create({
      username: 'zoe',
      displayName: longest,
      password: '🙂'.repeat(256),
    })
    expect(zoe.displayName).toBe(longest)
    const tooLong = await failureOf(
      server.client.users.create({ username: 'yan', displayName: `${longest}x` }),
    )
    expect(tooLong.issues.map(({ path }) => path)).toEqual(['displayName'])
    const tooShort = await failureOf(
      server.client.users.create({ username: 'yan', password: '🙂'.repeat(7) }),
    )
    expect(tooShort.issues.map(({ path }) => path)).toEqual(['password'])
  })

  test('have names that show something and stay on one line', async () => {
    await using server = await createTestServer({ using, users: ['bob'] })
    const { users, keys, webhooks } = server.client
    const refused = [
      ' ',
      '\u00a0\u3000',
      '\u200b',
      '\u3164',
      '\u2800',
      '\u115f\u034f\ufe0f',
      'a\nb',
      'a\rb',
      'a\u2028b',
      'a\u0085b',
      'a\tb',
      '\x1b[31mred',
      'a\u202eb',
      'a\u2066b',
    ]
    for (const name of refused) {
      for (const field of ['displayName', 'firstName', 'lastName']) {
        const fields = { [field]: name }
        for (const call of [
          users.create({ username: 'zoe', ...fields }),
          users.update({ user: 'bob', ...fields }),
          users.put({ user: 'ext:zoe', ...fields }),
        ]) {
          const { code, issues } = await failureOf(call)
          expect([code, issues[0]?.path], JSON.stringify(name)).toEqual(['INVALID_INPUT', field])
        }
      }
      expect(await codeOf(keys.create({ name, scopes: ['read'] }))).toBe('INVALID_INPUT')
      const webhook = webhooks.create({ url: 'https://example.com/', description: name })
      expect(await codeOf(webhook)).toBe('INVALID_INPUT')
    }
    // Joiners and directional marks belong to some scripts and emojis.
    for (const name of [' Zoë ', 'نامه\u200cها', '👩\u200d👧', 'שלום\u200f!', '❤️', 'क्\u200dष']) {
      expect((await users.update({ user: 'bob', displayName: name })).displayName).toBe(name)
    }
  })

  test('are found by name in any Unicode form, ignoring case', async () => {
    await using server = await createTestServer({
      using,
      users: [
        { username: 'a1', displayName: 'José Nu\u0301ñez' },
        { username: 'a2', displayName: 'Jose\u0301 Núñez' },
        { username: 'b1', displayName: '한국 사람' },
        { username: 'b2', displayName: '한국 사람'.normalize('NFD') },
        { username: 'c1', displayName: 'İstanbul' },
        { username: 'd1', displayName: 'Weiß' },
        { username: 'd2', displayName: 'WEIẞ' },
        { username: 'e1', displayName: 'ﬁne Ｗｉｄｅ' },
        { username: 'f1', displayName: 'Co\u00adop' },
        { username: 'g1', displayName: 'ﷺ'.repeat(128) },
      ],
    })
    const found = async (q: string) =>
      (await server.client.users.list({ q })).items.map(({ username }) => username)
    for (const q of ['josé núñez', 'JOSÉ NÚÑEZ']) {
      for (const form of ['NFC', 'NFD'] as const) expect(await found(q.normalize(form))).toEqual(['a1', 'a2'])
    }
    for (const q of ['한국', '하', '한국 사']) {
      for (const form of ['NFC', 'NFD'] as const) expect(await found(q.normalize(form))).toEqual(['b1', 'b2'])
    }
    for (const q of ['istanbul', 'İSTANBUL', 'i\u0307stanbul', 'ISTANBUL'])
      expect(await found(q)).toEqual(['c1'])
    for (const q of ['weiß', 'WEISS', 'weiẞ', 'weis']) expect(await found(q)).toEqual(['d1', 'd2'])
    expect(await found('fine wide')).toEqual(['e1'])
    expect(await found('coop')).toEqual(['f1'])
    expect(await found('ﷺ'.repeat(128))).toEqual(['g1'])
    expect(await found('\u200b')).toEqual([])
  })

  test('have email addresses of any valid form, unique in any Unicode form', async () => {
    await using server = await createTestServer({ using, users: ['bob'] })
    const { users } = server.client
    const set = (email: string) => users.update({ user: 'bob', email })
    for (const email of [
      'tom&jerry@example.com',
      'a=b@example.com',
      "o'neil@example.com",
      '!#$%*/?^_`{|}~-@example.com',
      'schäfer@example.com',
      'info@bücher.example',
      'info@xn--bcher-kva.example',
      '用户@例え.テスト',
      `${'x'.repeat(64)}@example.com`,
    ]) {
      expect((await set(email)).email).toBe(email)
    }
    for (const email of [
      '',
      'nowhere',
      'a@b',
      'a b@example.com',
      '.a@example.com',
      'a..b@example.com',
      'a@-example.com',
      'a@exa_mple.com',
      'a@127.0.0.1',
      '"a\n"@example.com',
      'a@example.com\n',
      'Tom <a@example.com>',
      'a\u202e@example.com',
      'a\u200b@example.com',
      `${'x'.repeat(65)}@example.com`,
      `a@${'x.'.repeat(130)}com`,
    ]) {
      const { code, issues } = await failureOf(set(email))
      expect([code, issues[0]?.path], email).toEqual(['INVALID_INPUT', 'email'])
    }
    await set('Schäfer@bücher.example')
    for (const email of [
      'schäfer@bücher.example',
      'SCHÄFER@BÜCHER.EXAMPLE'.normalize('NFD'),
      'schäfer@xn--bcher-kva.example',
    ]) {
      expect(await codeOf(users.create({ username: 'zoe', email }))).toBe('EMAIL_TAKEN')
    }
  })
})
