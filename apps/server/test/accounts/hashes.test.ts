import { hash } from '@node-rs/argon2'
import { store } from '@sotto/db'
import { dialects, rest, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'correct horse'
const LOG_INS = 200

describe.each(dialects)('password hashes on %s', (using) => {
  test('that took less effort than today are made anew at a right log-in, and only then', async () => {
    await using world = await startServer(using, { overrides: { fastPasswords: false } })
    const { db } = world.app
    const { id } = await world.client.users.create({ username: 'alice', password })
    const hashNow = async () => (await store.credentials.find(db, id))?.password_hash ?? ''
    const logIn = (shown: string) => world.client.sessions.create({ username: 'alice', password: shown })
    const made = await hashNow()
    expect(made).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)

    const outdated = await hash(password, { memoryCost: 8_192, timeCost: 1, parallelism: 1 })
    await store.credentials.updatePasswordHash(db, id, outdated, new Date())
    await expect(logIn('wrong')).rejects.toThrow()
    expect(await hashNow()).toBe(outdated)
    await logIn(password)
    const renewed = await hashNow()
    expect(renewed).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await logIn(password)
    expect(await hashNow()).toBe(renewed)
  })

  test('are waited for by those who log in, not by those who send', async () => {
    await using server = await startServer(using, {
      users: ['alice', 'bob'],
      settings: { trustedProxies: ['loopback'] },
      overrides: { fastPasswords: false },
    })
    let checked = 0
    const logIns = Array.from({ length: LOG_INS }, async (_, index) => {
      const json = { username: 'nobody', password }
      // From many addresses: one of them may not have as many calls under way.
      const headers = { 'x-forwarded-for': `203.0.113.${index}` }
      const { status } = await rest(server, 'POST /v1/sessions', { authorization: null, headers, json })
      checked += 1
      return status
    })
    const before: number[] = []
    for (let sent = 0; sent < 5; sent += 1) {
      await server.client.as('alice').messages.send({ to: 'bob', text: 'hi' })
      before.push(checked)
    }
    expect(before.at(-1)).toBeLessThan(LOG_INS)
    expect(new Set(await Promise.all(logIns))).toEqual(new Set([401]))
  })
})
