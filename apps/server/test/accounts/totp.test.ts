import { createClient, type SottoClient } from '@sotto/sdk'
import { createTestServer, type TestServer } from '@sotto/testing'
import { basic, codeOf, dialects, failureOf, nextTotpCode, rest, totpCode } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const password = 'correct horse'
const users = [
  { username: 'alice', password },
  { username: 'bob', password },
]
const STEP_MS = 30_000

type Proof = { code?: string; recoveryCode?: string }

async function logIn(server: TestServer, proof: Proof = {}): Promise<SottoClient> {
  const { token } = await server.client.sessions.create({ username: 'alice', password, ...proof })
  return createClient({ url: server.url, token, fetch: server.fetch, retries: 0 })
}

/** Alice with a second factor, in the next time step. */
async function turnedOn(server: TestServer) {
  server.clock.set('2026-05-01T10:00:00.000Z')
  const alice = await logIn(server)
  const { secret } = await alice.totp.start()
  const { recoveryCodes } = await alice.totp.confirm({ code: totpCode(secret, server.clock.now()) })
  server.clock.advance(STEP_MS)
  return { alice, secret, recoveryCodes, code: () => totpCode(secret, server.clock.now()) }
}

describe.each(dialects)('a second factor on %s', (using) => {
  test('is asked for once it is confirmed, and only of who has the right password', async () => {
    await using server = await createTestServer({ using, users })
    server.clock.set('2026-05-01T10:00:00.000Z')
    const alice = await logIn(server)
    const { secret, uri } = await alice.totp.start()
    expect(uri).toBe(
      `otpauth://totp/Sotto:alice?issuer=Sotto&secret=${secret}&algorithm=SHA1&digits=6&period=30`,
    )
    // Not before it is confirmed, and only the last one that was started is.
    await logIn(server)
    const { secret: last } = await alice.totp.start()
    expect(await codeOf(alice.totp.confirm({ code: totpCode(secret, server.clock.now()) }))).toBe(
      'INVALID_INPUT',
    )
    expect((await alice.users.me()).secondFactor).toBe(false)
    const { recoveryCodes } = await alice.totp.confirm({ code: totpCode(last, server.clock.now()) })
    expect(new Set(recoveryCodes).size).toBe(10)
    expect((await alice.users.me()).secondFactor).toBe(true)

    expect(await failureOf(logIn(server))).toMatchObject({ code: 'SECOND_FACTOR_REQUIRED', status: 401 })
    for (const proof of [{}, { code: '000000' }, { recoveryCode: recoveryCodes[0] ?? '' }]) {
      const answer = await rest(server, 'POST /v1/sessions', {
        authorization: null,
        headers: { 'x-request-id': 'same' },
        json: { username: 'alice', password: 'wrong', ...proof },
      })
      const ofNobody = await rest(server, 'POST /v1/sessions', {
        authorization: null,
        headers: { 'x-request-id': 'same' },
        json: { username: 'nobody', password, ...proof },
      })
      expect([answer.status, answer.body]).toEqual([ofNobody.status, ofNobody.body])
    }
    server.clock.advance(STEP_MS)
    await (await logIn(server, { code: totpCode(last, server.clock.now()) })).users.list()
  })

  test('takes a code of half a minute before or after, each once, and none before one that was taken', async () => {
    await using server = await createTestServer({ using, users })
    const { secret } = await turnedOn(server)
    const at = (steps: number) => totpCode(secret, new Date(server.clock.now().getTime() + steps * STEP_MS))
    // The code that turned it on is taken.
    expect(await codeOf(logIn(server, { code: at(-1) }))).toBe('UNAUTHENTICATED')
    expect(await codeOf(logIn(server, { code: at(2) }))).toBe('UNAUTHENTICATED')
    await logIn(server, { code: at(0) })
    expect(await codeOf(logIn(server, { code: at(0) }))).toBe('UNAUTHENTICATED')
    await logIn(server, { code: at(1) })
    server.clock.advance(5 * STEP_MS)
    await logIn(server, { code: at(0) })
    expect(await codeOf(logIn(server, { code: at(-1) }))).toBe('UNAUTHENTICATED')
    expect(await codeOf(logIn(server, { code: at(-2) }))).toBe('UNAUTHENTICATED')
  })

  test('takes a code that is shown twice at the same time once', async () => {
    await using server = await createTestServer({ using, users })
    const { code, recoveryCodes } = await turnedOn(server)
    for (const proof of [{ code: code() }, { recoveryCode: recoveryCodes[0] ?? '' }]) {
      const tries = await Promise.allSettled([logIn(server, proof), logIn(server, proof)])
      expect(tries.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    }
  })

  test('takes each recovery code once, however it is typed', async () => {
    await using server = await createTestServer({ using, users })
    const { recoveryCodes } = await turnedOn(server)
    const [first = '', second = ''] = recoveryCodes
    await logIn(server, { recoveryCode: first })
    expect(await codeOf(logIn(server, { recoveryCode: first }))).toBe('UNAUTHENTICATED')
    await logIn(server, { recoveryCode: ` ${second.toUpperCase().replaceAll('-', ' ')}` })
    expect(await codeOf(logIn(server, { recoveryCode: second }))).toBe('UNAUTHENTICATED')
    expect(await codeOf(logIn(server, { code: '123456', recoveryCode: second }))).toBe('INVALID_INPUT')
  })

  test('makes basic authentication refuse what it took before', async () => {
    await using server = await createTestServer({ using, users })
    const authorization = basic('alice', password)
    expect((await rest(server, 'GET /v1/users', { authorization })).status).toBe(200)
    const { recoveryCodes } = await turnedOn(server)
    expect(await rest(server, 'GET /v1/users', { authorization })).toMatchObject({
      status: 401,
      body: { code: 'UNAUTHENTICATED' },
    })
    await server.as('alice').totp.disable({ recoveryCode: recoveryCodes[0] ?? '' })
    expect((await rest(server, 'GET /v1/users', { authorization })).status).toBe(200)
  })

  test('is turned off with a proof, and by an admin without; then nothing of it is left', async () => {
    await using server = await createTestServer({ using, users })
    const { alice, code, recoveryCodes } = await turnedOn(server)
    expect(await codeOf(alice.totp.start())).toBe('FORBIDDEN')
    expect(await codeOf(alice.totp.disable({}))).toBe('INVALID_INPUT')
    expect(await codeOf(alice.totp.disable({ code: '000000' }))).toBe('INVALID_INPUT')
    expect(await codeOf(alice.totp.disable({ recoveryCode: 'aaaa-aaaa-aaaa-aaaa' }))).toBe('INVALID_INPUT')
    const used = code()
    await alice.totp.disable({ code: used })
    await logIn(server)
    expect(await codeOf(alice.totp.disable({ recoveryCode: recoveryCodes[0] ?? '' }))).toBe('INVALID_INPUT')

    const again = await alice.totp.start()
    await alice.totp.confirm({ code: nextTotpCode(again.secret, server.clock.now()) })
    expect(await codeOf(logIn(server, { recoveryCode: recoveryCodes[0] ?? '' }))).toBe('UNAUTHENTICATED')
    expect(await codeOf(alice.totp.remove({ user: 'alice' }))).toBe('FORBIDDEN')
    await server.client.totp.remove({ user: 'alice' })
    await logIn(server)
    await server.client.totp.remove({ user: 'alice' })
  })

  test('stays on when the password is reset', async () => {
    await using server = await createTestServer({ using, users })
    const { code } = await turnedOn(server)
    const { token } = await server.client.passwords.issueReset({ user: 'alice' })
    await server.client.passwords.reset({ token, newPassword: 'battery staple' })
    const again = (proof: Proof) =>
      server.client.sessions.create({ username: 'alice', password: 'battery staple', ...proof })
    expect(await codeOf(again({}))).toBe('SECOND_FACTOR_REQUIRED')
    await again({ code: code() })
  })
})

test('a second factor needs SOTTO_SECRET on PostgreSQL, and says so', async () => {
  await using server = await createTestServer({ using: 'postgres', users, settings: { secret: undefined } })
  const answer = await rest(server, 'POST /v1/me/totp', { as: 'alice' })
  expect(answer).toMatchObject({
    status: 503,
    body: { code: 'UNAVAILABLE', detail: expect.stringContaining('SOTTO_SECRET') },
  })
})
