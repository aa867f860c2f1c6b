import { createTestServer, type TestServer } from '@sotto/testing'
import { codeOf, dialects, failureOf, rest } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const users = ['alice', 'bob', 'carol']

describe.each(dialects)('messages on %s', (using) => {
  test('have the sent content, and null for fields that were not given', async () => {
    await using server = await createTestServer({ using, users })
    server.clock.set('2026-05-01T10:00:00.123Z')
    const sent = await rest(server, 'POST /v1/messages', { as: 'alice', json: { to: 'bob', text: ' hi\n' } })

    expect(sent.status).toBe(201)
    expect(sent.body).toEqual({
      id: expect.any(String),
      conversationId: expect.any(String),
      seq: 1,
      senderId: (await server.client.users.get({ user: 'alice' })).id,
      sender: 'alice',
      kind: 'text',
      text: ' hi\n',
      image: null,
      video: null,
      clientMessageId: null,
      createdAt: '2026-05-01T10:00:00.123Z',
      editedAt: null,
      deletedAt: null,
      deliveredAt: null,
      readAt: null,
      reactions: [],
    })
    const { id } = sent.body as { id: string }
    for (const as of ['alice', 'bob']) {
      expect((await rest(server, `GET /v1/messages/${id}`, { as })).body).toEqual(sent.body)
    }
    expect((await rest(server, `GET /v1/messages/${id.toUpperCase()}`)).status).toBe(200)
  })

  test('reject text that shows nothing, or contains NUL or half a surrogate pair', async () => {
    await using server = await createTestServer({ using, users })
    const { id: messageId } = await server.as('alice').messages.send({ to: 'bob', text: 'before' })
    for (const text of [
      '',
      ' ',
      '\n\t\u00a0\u3000',
      '\ufeff',
      '\u200b',
      '\u3164 \u2800\u115f',
      '\u202e\u2066\u034f\u{e0001}',
      '\x1b\x07',
      'a\0b',
      '\0',
      '\ud83d',
      '\ude00\ud83d',
      'a\udfffb',
    ]) {
      for (const [line, json] of [
        ['POST /v1/messages', { to: 'bob', text }],
        ['POST /v1/direct/bob/messages', { text }],
        [`PATCH /v1/messages/${messageId}`, { text }],
      ] as const) {
        const answer = await rest(server, line, { as: 'alice', json })
        expect([answer.status, answer.body], JSON.stringify(text)).toMatchObject([
          400,
          { code: 'INVALID_INPUT', issues: [{ path: 'text' }] },
        ])
      }
    }
    expect((await server.as('alice').direct.get({ user: 'bob' })).lastSeq).toBe(1)
  })

  test('accept at most 10,000 characters, counted in code points', async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    for (const character of ['a', 'é', '🙂']) {
      const longest = character.repeat(10_000)
      const { id, text } = await alice.messages.send({ to: 'bob', text: longest })
      expect(text).toBe(longest)
      const issues = [{ path: 'text', message: expect.stringContaining('10000') }]
      const error = await failureOf(alice.messages.send({ to: 'bob', text: `${longest}a` }))
      expect(error).toMatchObject({ code: 'INVALID_INPUT', issues })
      const edit = await failureOf(alice.messages.edit({ messageId: id, text: `${longest}a` }))
      expect(edit).toMatchObject({ code: 'INVALID_INPUT', issues })
      expect(
        (await alice.messages.edit({ messageId: id, text: `${longest.slice(character.length)}b` })).text,
      ).toMatch(/b$/)
    }
  })

  test('accept at most as many characters as the setting allows', async () => {
    await using server = await createTestServer({ using, users, settings: { maxTextLength: 160 } })
    const alice = server.as('alice')
    await alice.messages.send({ to: 'bob', text: '🙂'.repeat(160) })
    expect(await codeOf(alice.messages.send({ to: 'bob', text: '🙂'.repeat(161) }))).toBe('INVALID_INPUT')
    expect(
      await codeOf(
        alice.direct.send({
          user: 'bob',
          image: { url: 'https://example.com/a.png' },
          text: 'a'.repeat(161),
        }),
      ),
    ).toBe('INVALID_INPUT')
  })

  test('can be images and videos, without invented metadata', async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    const image = await alice.messages.send({ to: 'bob', image: { url: 'https://example.com/a.png' } })
    expect(image).toMatchObject({ kind: 'image', text: null, video: null })
    expect(image.image).toEqual({ url: 'https://example.com/a.png', width: null, height: null, alt: null })
    const full = { url: 'HTTP://example.com/ü?a=[0]', width: 1, height: 2_147_483_647, alt: '' }
    const captioned = await alice.messages.send({ to: 'bob', kind: 'image', image: full, text: 'look' })
    expect(captioned).toMatchObject({ kind: 'image', text: 'look', image: full })
    const video = await alice.messages.send({ to: 'bob', video: { url: 'https://example.com/v.mp4' } })
    expect(video).toMatchObject({ kind: 'video', text: null, image: null })
    expect(video.video).toEqual({
      url: 'https://example.com/v.mp4',
      source: 'other',
      durationSeconds: null,
      width: null,
      height: null,
    })
    for (const message of [image, captioned, video]) {
      expect(await server.as('bob').messages.get({ messageId: message.id })).toEqual({
        ...message,
        clientMessageId: null,
      })
    }
  })

  test('reject content that does not match their kind', async () => {
    await using server = await createTestServer({ using, users })
    const image = { url: 'https://example.com/a.png' }
    const video = { url: 'https://example.com/v.mp4' }
    const bad: [object, string[]][] = [
      [{}, ['text']],
      [{ kind: 'text' }, ['text']],
      [{ kind: 'image' }, ['image']],
      [{ kind: 'image', text: 'x' }, ['image']],
      [{ kind: 'video', image }, ['video', 'image']],
      [{ kind: 'text', text: 'x', image }, ['image']],
      [{ image, video }, ['video']],
      [{ kind: 'audio', text: 'x' }, ['kind']],
      [{ image: { url: 'ftp://example.com/a' } }, ['image.url']],
      [{ image: { url: 'javascript:alert(1)' } }, ['image.url']],
      [{ image: { url: '//example.com/a' } }, ['image.url']],
      [{ image: { url: 'https://' } }, ['image.url']],
      [{ image: { url: 'https://exa mple.com' } }, ['image.url']],
      [{ image: { url: `https://example.com/${'a'.repeat(2_029)}` } }, ['image.url']],
      [{ image: { ...image, width: 0 } }, ['image.width']],
      [{ image: { ...image, width: 2_147_483_648 } }, ['image.width']],
      [{ image: { ...image, height: 1.5 } }, ['image.height']],
      [{ image: { ...image, width: '10' } }, ['image.width']],
      [{ image: { ...image, size: 1 } }, ['image.size']],
      [{ image: { ...image, alt: null } }, ['image.alt']],
      [{ video: { ...video, durationSeconds: -1 } }, ['video.durationSeconds']],
      [{ video: { ...video, source: 'tiktok' } }, ['video.source']],
      [{ text: 'x', clientMessageId: '' }, ['clientMessageId']],
      [{ text: 'x', clientMessageId: 'x'.repeat(129) }, ['clientMessageId']],
      [{ text: 'x', conversationId: 'x' }, ['to']],
    ]
    for (const [content, paths] of bad) {
      const answer = await rest(server, 'POST /v1/messages', { as: 'alice', json: { to: 'bob', ...content } })
      expect(answer.status, JSON.stringify(content)).toBe(400)
      const { issues } = answer.body as { issues: { path: string; message: string }[] }
      expect(issues.map(({ path }) => path)).toEqual(paths)
    }
    const longest = `https://example.com/${'a'.repeat(2_028)}`
    expect((await server.as('alice').messages.send({ to: 'bob', image: { url: longest } })).image?.url).toBe(
      longest,
    )
    const unaddressed = await rest(server, 'POST /v1/messages', { as: 'alice', json: { text: 'x' } })
    expect(unaddressed).toMatchObject({ status: 400, body: { issues: [{ path: 'to' }] } })
  })

  test('are numbered 1, 2, 3 in each conversation, without gaps', async () => {
    await using server = await createTestServer({ using, users })
    const send = async (from: string, to: string) =>
      (await server.as(from).messages.send({ to, text: 'x' })).seq
    expect([await send('alice', 'bob'), await send('bob', 'alice'), await send('alice', 'carol')]).toEqual([
      1, 2, 1,
    ])
    await codeOf(server.as('alice').messages.send({ to: 'nobody', text: 'x' }))
    expect(await send('alice', 'bob')).toBe(3)
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, i) => send(i % 2 ? 'alice' : 'bob', i % 2 ? 'bob' : 'alice')),
    )
    expect(many.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 4))
  })

  test('sent concurrently as the first ones create one conversation', async () => {
    await using server = await createTestServer({ using, users })
    const sent = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        server
          .as(index % 2 ? 'alice' : 'bob')
          .messages.send({ to: index % 2 ? 'bob' : 'alice', text: String(index) }),
      ),
    )
    expect(new Set(sent.map(({ conversationId }) => conversationId)).size).toBe(1)
  })

  test('never go back in time within a conversation, even if the clock does', async () => {
    await using server = await createTestServer({ using, users })
    const send = async (from: string, to: string) =>
      (await server.as(from).messages.send({ to, text: 'x' })).createdAt.toISOString()
    server.clock.set('2026-05-01T10:00:05.000Z')
    await send('alice', 'bob')
    server.clock.set('2026-05-01T10:00:01.000Z')
    expect(await send('bob', 'alice')).toBe('2026-05-01T10:00:05.000Z')
    expect(await send('alice', 'carol')).toBe('2026-05-01T10:00:01.000Z')
    server.clock.set('2026-05-01T10:00:06.000Z')
    expect(await send('alice', 'bob')).toBe('2026-05-01T10:00:06.000Z')
    const { items } = await server.client.messages.list({
      between: ['alice', 'bob'],
      since: '2026-05-01T10:00:05.000Z',
    })
    expect(items.map(({ seq }) => seq)).toEqual([3, 2, 1])
  })

  test('can be notes to self', async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    const note = await alice.messages.send({ to: 'alice', text: 'milk' })
    const conversation = await alice.direct.get({ user: 'alice' })

    expect(conversation.participants.map(({ user }) => user.username)).toEqual(['alice'])
    expect(conversation).toMatchObject({ kind: 'direct', unreadCount: 0, readSeq: 1, lastSeq: 1 })
    const lists = [
      alice.direct.messages({ user: 'alice' }),
      alice.messages.list(),
      alice.messages.list({ sender: 'alice' }),
      alice.messages.list({ recipient: 'alice' }),
      alice.messages.list({ sender: 'alice', recipient: 'alice' }),
      alice.messages.between(['alice', 'alice']),
      server.client.messages.list({ recipient: 'alice' }),
    ]
    for (const list of lists) expect((await list).items.map(({ id }) => id)).toEqual([note.id])
    expect((await alice.users.correspondents({ user: 'alice' })).items).toEqual([])
    expect((await alice.conversations.list()).items).toHaveLength(1)
    expect((await server.as('bob').messages.list()).items).toEqual([])
    await alice.messages.react({ messageId: note.id, emoji: '🥛' })
    await alice.messages.edit({ messageId: note.id, text: 'oat milk' })
    expect((await alice.messages.delete({ messageId: note.id })).text).toBeNull()
  })

  test('can be edited only by their sender', async () => {
    await using server = await createTestServer({ using, users })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    server.clock.set('2026-05-01T10:00:00.000Z')
    const sent = await alice.messages.send({ to: 'bob', text: 'helo', clientMessageId: 'c1' })
    server.clock.advance(1_000)
    const same = await alice.messages.edit({ messageId: sent.id, text: 'helo' })
    expect(same).toEqual(sent)
    const edited = await alice.messages.edit({ messageId: sent.id, text: 'hello' })
    expect(edited).toEqual({ ...sent, text: 'hello', editedAt: new Date('2026-05-01T10:00:01.000Z') })
    expect((await bob.direct.messages({ user: 'alice' })).items).toEqual([
      { ...edited, clientMessageId: null },
    ])
    expect(await codeOf(bob.messages.edit({ messageId: sent.id, text: 'x' }))).toBe('FORBIDDEN')
    expect(await codeOf(server.as('carol').messages.edit({ messageId: sent.id, text: 'x' }))).toBe(
      'MESSAGE_NOT_FOUND',
    )
    expect(await codeOf(server.client.messages.edit({ messageId: sent.id, text: 'x' }))).toBe(
      'ACTOR_REQUIRED',
    )

    const image = await alice.messages.send({ to: 'bob', image: { url: 'https://example.com/a.png' } })
    const captioned = await alice.messages.edit({ messageId: image.id, text: 'a caption' })
    expect(captioned).toMatchObject({ kind: 'image', text: 'a caption', image: image.image })
  })

  test('leave the same tombstone without content, even if deleted twice', async () => {
    await using server = await createTestServer({ using, users })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    server.clock.set('2026-05-01T10:00:00.000Z')
    const sent = await alice.messages.send({
      to: 'bob',
      image: { url: 'https://example.com/secret.png', alt: 'secret' },
      text: 'secret',
    })
    await bob.messages.like({ messageId: sent.id })
    await alice.messages.edit({ messageId: sent.id, text: 'secret still' })
    server.clock.advance(1_000)
    expect(await codeOf(bob.messages.delete({ messageId: sent.id }))).toBe('FORBIDDEN')
    expect(await codeOf(server.as('carol').messages.delete({ messageId: sent.id }))).toBe('MESSAGE_NOT_FOUND')

    const tombstone = await alice.messages.delete({ messageId: sent.id })
    expect(tombstone).toMatchObject({
      id: sent.id,
      seq: 1,
      kind: 'image',
      text: null,
      image: null,
      video: null,
      reactions: [],
      deletedAt: new Date('2026-05-01T10:00:01.000Z'),
    })
    server.clock.advance(1_000)
    expect(await alice.messages.delete({ messageId: sent.id })).toEqual(tombstone)
    const seen = JSON.stringify([
      await bob.direct.messages({ user: 'alice' }),
      await bob.messages.list({ kind: 'image' }),
      await bob.conversations.list(),
      await server.client.messages.get({ messageId: sent.id }),
    ])
    expect(seen).toContain(sent.id)
    expect(seen).not.toContain('secret')

    for (const call of [
      () => alice.messages.edit({ messageId: sent.id, text: 'x' }),
      () => alice.messages.like({ messageId: sent.id }),
      () => bob.messages.unlike({ messageId: sent.id }),
      () => bob.messages.react({ messageId: sent.id, emoji: '🎉' }),
      () => bob.messages.unreact({ messageId: sent.id, emoji: '🎉' }),
    ]) {
      expect(await codeOf(call())).toBe('MESSAGE_DELETED')
    }
    expect((await alice.messages.send({ to: 'bob', text: 'next' })).seq).toBe(2)
  })

  test('retried with the same clientMessageId return the first message', async () => {
    await using server = await createTestServer({ using, users })
    const json = { to: 'bob', text: 'once', clientMessageId: 'c-1 🙂' }
    const send = (change: object = {}, as = 'alice') =>
      rest(server, 'POST /v1/messages', { as, json: { ...json, ...change } })
    const first = await send()
    const { id, conversationId } = first.body as { id: string; conversationId: string }
    expect(first).toMatchObject({ status: 201, body: { clientMessageId: 'c-1 🙂' } })

    const repeats = [
      await send(),
      await send({ kind: 'text' }),
      await send({ to: 'BOB' }),
      await send({ to: undefined, conversationId }),
      await rest(server, 'POST /v1/direct/bob/messages', { as: 'alice', json: { ...json, to: undefined } }),
      await rest(server, 'POST /v1/messages', { json: { ...json, from: 'alice' } }),
    ]
    for (const repeat of repeats) expect(repeat).toMatchObject({ status: 200, body: first.body })

    for (const change of [{ text: 'Once' }, { text: 'once ' }, { image: { url: 'https://example.com/a' } }]) {
      expect(await send(change)).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_CONFLICT' } })
    }
    // Other senders and other conversations can use the same clientMessageId.
    expect((await send({ to: 'carol' })).status).toBe(201)
    expect((await send({ to: 'alice' }, 'bob')).status).toBe(201)
    // Only the sender sees the clientMessageId.
    for (const as of ['bob', undefined]) {
      expect((await rest(server, `GET /v1/messages/${id}`, as ? { as } : {})).body).toMatchObject({
        clientMessageId: null,
      })
    }
  })

  test('retried after an edit or deletion return the first message in its current state', async () => {
    await using server = await createTestServer({ using, users })
    const alice = server.as('alice')
    const message = { to: 'bob', text: 'first', clientMessageId: 'c' }
    const { id: messageId } = await alice.messages.send(message)

    const edited = await alice.messages.edit({ messageId, text: 'edited' })
    expect(await alice.messages.send(message)).toEqual(edited)
    expect(await codeOf(alice.messages.send({ ...message, text: 'edited' }))).toBe('IDEMPOTENCY_CONFLICT')
    const deleted = await alice.messages.delete({ messageId })
    expect(await alice.messages.send(message)).toEqual(deleted)
    expect(await codeOf(alice.messages.send({ ...message, text: 'other' }))).toBe('IDEMPOTENCY_CONFLICT')
    expect((await alice.direct.get({ user: 'bob' })).lastSeq).toBe(1)
  })

  test('retried concurrently before the conversation exists create one message', async () => {
    await using server = await createTestServer({ using, users })
    const json = { to: 'bob', text: 'once', clientMessageId: 'c' }
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => rest(server, 'POST /v1/messages', { as: 'alice', json })),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 200, 200, 200, 200, 201])
    expect(new Set(answers.map(({ body }) => (body as { id: string }).id)).size).toBe(1)
  })

  test("show the count of each reaction, and whether the caller's is included", async () => {
    await using server = await createTestServer({ using, users })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    const { id: messageId } = await alice.messages.send({ to: 'bob', text: 'hi' })
    const reactions = (list: { emoji: string; count: number; byMe: boolean }[]) =>
      list.map(({ emoji, count, byMe }) => `${emoji}${count}${byMe ? ' mine' : ''}`)

    expect(reactions((await bob.messages.like({ messageId })).reactions)).toEqual(['👍1 mine'])
    expect(reactions((await bob.messages.like({ messageId })).reactions)).toEqual(['👍1 mine'])
    expect(reactions((await bob.messages.react({ messageId, emoji: '👍' })).reactions)).toEqual(['👍1 mine'])
    expect(reactions((await alice.messages.like({ messageId })).reactions)).toEqual(['👍2 mine'])
    expect(reactions((await bob.messages.react({ messageId, emoji: '👩‍👩‍👧‍👦' })).reactions)).toEqual([
      '👍2 mine',
      '👩‍👩‍👧‍👦1 mine',
    ])
    expect(reactions((await alice.messages.get({ messageId })).reactions)).toEqual(['👍2 mine', '👩‍👩‍👧‍👦1'])
    expect(reactions((await server.client.messages.get({ messageId })).reactions)).toEqual([
      '👍2',
      '👩‍👩‍👧‍👦1',
    ])
    expect(reactions((await alice.messages.unreact({ messageId, emoji: '👩‍👩‍👧‍👦' })).reactions)).toEqual([
      '👍2 mine',
      '👩‍👩‍👧‍👦1',
    ])
    expect(reactions((await bob.messages.unlike({ messageId })).reactions)).toEqual(['👍1', '👩‍👩‍👧‍👦1 mine'])
    expect(reactions((await bob.messages.unlike({ messageId })).reactions)).toEqual(['👍1', '👩‍👩‍👧‍👦1 mine'])
    expect(reactions((await bob.messages.unreact({ messageId, emoji: '👩‍👩‍👧‍👦' })).reactions)).toEqual([
      '👍1',
    ])
    expect(reactions((await alice.messages.unreact({ messageId, emoji: '👍' })).reactions)).toEqual([])
    expect(await codeOf(server.as('carol').messages.like({ messageId }))).toBe('MESSAGE_NOT_FOUND')
    // A reaction does not count as an edit.
    expect((await alice.messages.get({ messageId })).editedAt).toBeNull()
  })

  test('count concurrent reactions', async () => {
    const many = Array.from({ length: 2 }, (_, index) => `user-${index}`)
    await using server = await createTestServer({ using, users: many })
    const { id: messageId } = await server.as('user-0').messages.send({ to: 'user-1', text: 'hi' })
    const emojis = ['👍', '🎉', '🥛', '❤️', '🇩🇪']
    await Promise.all(
      emojis.flatMap((emoji) => many.map((user) => server.as(user).messages.react({ messageId, emoji }))),
    )
    const { reactions } = await server.client.messages.get({ messageId })
    expect(reactions.map(({ emoji }) => emoji).toSorted()).toEqual(emojis.toSorted())
    expect(reactions.map(({ count }) => count)).toEqual([2, 2, 2, 2, 2])
  })

  test('accept at most 100 different emojis, each from any number of users', async () => {
    await using server = await createTestServer({ using, users })
    const { id: messageId } = await server.as('alice').messages.send({ to: 'bob', text: 'hi' })
    const faces = Array.from({ length: 300 }, (_, index) => String.fromCodePoint(0x1f400 + index))
      .filter((character) => /^\p{RGI_Emoji}$/v.test(character))
      .slice(0, 101)
    const react = (as: string, emoji = '') => server.as(as).messages.react({ messageId, emoji })
    for (const emoji of faces.slice(0, 100)) await react('bob', emoji)
    const error = await failureOf(react('bob', faces[100]))
    expect([error.code, error.issues.map(({ path }) => path)]).toEqual(['INVALID_INPUT', ['emoji']])
    const { reactions } = await react('alice', faces[0])
    expect(reactions.map(({ emoji }) => emoji)).toEqual(faces.slice(0, 100))
    await server.as('bob').messages.unreact({ messageId, emoji: faces[1] ?? '' })
    expect((await react('bob', faces[100])).reactions).toHaveLength(100)
  })

  test('accept only a single emoji recommended by Unicode as a reaction', async () => {
    await using server = await createTestServer({ using, users })
    const { id } = await server.as('alice').messages.send({ to: 'bob', text: 'hi' })
    const react = (emoji: string) =>
      rest(server, `PUT /v1/messages/${id}/reactions/${encodeURIComponent(emoji)}`, { as: 'bob' })
    for (const emoji of ['👍', '👍🏽', '❤️', '🇺🇳', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '#️⃣', '👨‍👩‍👧', '🏳️‍🌈']) {
      expect(await react(emoji), emoji).toMatchObject({ status: 200 })
      expect(
        (
          await rest(server, `DELETE /v1/messages/${id}/reactions/${encodeURIComponent(emoji)}`, {
            as: 'bob',
          })
        ).body,
      ).toMatchObject({ reactions: [] })
    }
    for (const emoji of [
      'a',
      '👍👍',
      ' 👍',
      '\ufe0f',
      '❤\ufe0e',
      '👍\u200d',
      '🏽🏽',
      '1',
      ':+1:',
      '\0',
      'x'.repeat(300),
    ]) {
      expect(await react(emoji), emoji).toMatchObject({
        status: 400,
        body: { code: 'INVALID_INPUT', issues: [{ path: 'emoji' }] },
      })
    }
  })

  test('treat an emoji with and without variation selectors as the same reaction', async () => {
    await using server = await createTestServer({ using, users })
    const { id: messageId } = await server.as('alice').messages.send({ to: 'bob', text: 'hi' })
    const [alice, bob] = [server.as('alice'), server.as('bob')]
    const vs = '\ufe0f'
    for (const [given, qualified] of [
      [`👍${vs}`, '👍'],
      [`⚡${vs}`, '⚡'],
      ['❤', `❤${vs}`],
      ['☹', `☹${vs}`],
      ['1\u20e3', `1${vs}\u20e3`],
      ['🏳\u200d🌈', `🏳${vs}\u200d🌈`],
      [`🕵🏽${vs}\u200d♂`, `🕵🏽\u200d♂${vs}`],
      ['👩🏻\u200d❤\u200d💋\u200d👨🏻', `👩🏻\u200d❤${vs}\u200d💋\u200d👨🏻`],
    ] as const) {
      await alice.messages.react({ messageId, emoji: qualified })
      const { reactions } = await bob.messages.react({ messageId, emoji: given })
      expect(reactions).toEqual([{ emoji: qualified, count: 2, byMe: true }])
      await alice.messages.unreact({ messageId, emoji: given })
      expect((await bob.messages.unreact({ messageId, emoji: qualified })).reactions).toEqual([])
    }
  })

  describe('with special content', () => {
    let server: TestServer
    beforeAll(async () => {
      server = await createTestServer({ using, users })
    })
    afterAll(() => server[Symbol.asyncDispose]())

    test.each([
      ['a JSON array', '[0]'],
      ['a JSON object', '{"a":null}'],
      ['SQL', "' OR 1=1; drop table messages; --"],
      ['emoji of several code points', '👩‍👩‍👧‍👦🏳️‍🌈'],
      ['right-to-left text', 'שלום \u202eevil\u202c مرحبا'],
      ['combining characters, not normalized', 'e\u0301 \u00e9'],
      ['white space around it', '\u00a0\t x \r\n'],
      ['control characters', '\u0001\u001b[31m\u007f'],
      ['a byte order mark', '\ufeffx'],
      ['line separators', '\u2028\u2029x'],
      ['backslashes and quotes', '\\ \\u0000 " \' ` $1 ? %s'],
      ['noncharacters', '\uffff\u{10ffff}'],
      ['a property name of objects', '__proto__'],
    ])('keep %s unchanged, over both transports', async (_, text) => {
      const sent = await server.as('alice').messages.send({ to: 'bob', text })
      expect(sent.text).toBe(text)
      const overRest = await rest(server, 'POST /v1/messages', { as: 'alice', json: { to: 'bob', text } })
      expect(overRest.body).toMatchObject({ text })
      const { items } = await server.as('bob').direct.messages({ user: 'alice' })
      expect(items.slice(0, 2).map((message) => message.text)).toEqual([text, text])
      expect(
        (await server.as('alice').messages.edit({ messageId: sent.id, text: `${text}${text}` })).text,
      ).toBe(text + text)
    })

    test.each([
      ['https://www.youtube.com/watch?v=x', 'youtube'],
      ['https://youtu.be/x', 'youtube'],
      ['https://M.YouTube.com/x', 'youtube'],
      ['https://www.youtube-nocookie.com/embed/x', 'youtube'],
      ['https://vimeo.com/1', 'vimeo'],
      ['https://player.vimeo.com/video/1', 'vimeo'],
      ['https://www.vevo.com/watch/x', 'vevo'],
      ['https://notyoutube.com/x', 'other'],
      ['https://youtube.com.evil.example/x', 'other'],
      ['https://example.com/?u=https://vimeo.com/1', 'other'],
      ['https://vimeo.com@example.com/1', 'other'],
    ] as const)('with the video %s have the source %s', async (url, source) => {
      const alice = server.as('alice')
      expect((await alice.messages.send({ to: 'bob', video: { url } })).video?.source).toBe(source)
      expect((await alice.messages.send({ to: 'bob', video: { url, source: 'vevo' } })).video?.source).toBe(
        'vevo',
      )
    })
  })
})
