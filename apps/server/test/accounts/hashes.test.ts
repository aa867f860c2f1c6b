import { hash } from '@node-rs/argon2'
import { store } from '@sotto/db'
import { dialects, rest, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'correct horse'
/** About 4 s of hashing on two cores. */
const WAITING = 190

describe.each(dialects)('password hashes on %s', (using) => {
  test('with outdated parameters are renewed by a successful sign-in, and only then', async () => {
    await using server = await startServer(using, { overrides: { fastPasswords: false } })
    const { db } = server.app
    const { id } = await server.client.users.create({ username: 'alice', password })
    const hashNow = async () => (await store.credentials.find(db, id))?.password_hash ?? ''
    const signIn = (shown: string) => server.client.sessions.create({ username: 'alice', password: shown })
    const initial = await hashNow()
    expect(initial).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)

    const outdated = await hash(password, { memoryCost: 8_192, timeCost: 1, parallelism: 1 })
    await store.credentials.updatePasswordHash(db, id, outdated, new Date())
    await expect(signIn('wrong')).rejects.toThrow()
    expect(await hashNow()).toBe(outdated)
    await signIn(password)
    const renewed = await hashNow()
    expect(renewed).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await signIn(password)
    expect(await hashNow()).toBe(renewed)
  })

  test('of earlier releases, made from the password as it was typed, keep working and are renewed', async () => {
    await using server = await startServer(using, {})
    const { db } = server.app
    const typed = 'pässwörd lang'.normalize('NFD')
    const { id } = await server.client.users.create({ username: 'alice', password })
    await store.credentials.updatePasswordHash(db, id, await hash(typed), new Date())
    const signIn = (shown: string) => server.client.sessions.create({ username: 'alice', password: shown })
    await expect(signIn('wrong pässwörd')).rejects.toThrow()
    await signIn(typed)
    await signIn(typed.normalize('NFC'))
    await signIn(typed)
  })

  test('delay sign-ins, but not sends', async () => {
    await using server = await startServer(using, {
      users: ['alice', 'bob'],
      overrides: { fastPasswords: false },
    })
    const { passwords } = server.app.identity
    const checks = Array.from({ length: WAITING }, () => passwords.verify(undefined, password))
    const signIn = rest(server, 'POST /v1/sessions', {
      authorization: null,
      json: { username: 'nobody', password },
    })
    await expect.poll(() => passwords.waiting, { interval: 1 }).toBeGreaterThan(WAITING / 2)
    await server.client.as('alice').messages.send({ to: 'bob', text: 'hi' })
    expect(passwords.waiting).toBeGreaterThan(0)
    expect((await signIn).status).toBe(401)
    expect((await Promise.all(checks)).every(({ isCorrect }) => !isCorrect)).toBe(true)
  })
})
