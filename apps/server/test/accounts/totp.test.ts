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

async function signIn(server: TestServer, proof: Proof = {}): Promise<SottoClient> {
  const { token } = await server.client.sessions.create({ username: 'alice', password, ...proof })
  return createClient({ url: server.url, token, fetch: server.fetch, retries: 0 })
}

/** Turns on two-factor authentication for alice and advances the clock by one time step. */
async function turnOnTotp(server: TestServer) {
  server.clock.set('2026-05-01T10:00:00.000Z')
  const alice = await signIn(server)
  const { secret } = await alice.totp.start()
  const { recoveryCodes } = await alice.totp.confirm({ code: totpCode(secret, server.clock.now()) })
  server.clock.advance(STEP_MS)
  return { alice, secret, recoveryCodes, code: () => totpCode(secret, server.clock.now()) }
}

describe.each(dialects)('two-factor authentication on %s', (using) => {
  test('is required once it is confirmed, and revealed only after the right password', async () => {
    await using server = await createTestServer({ using, users })
    server.clock.set('2026-05-01T10:00:00.000Z')
    const alice = await signIn(server)
    const { secret, uri } = await alice.totp.start()
    expect(uri).toBe(
      `otpauth://totp/Sotto:alice?issuer=Sotto&secret=${secret}&algorithm=SHA1&digits=6&period=30`,
    )
    // Not required before it is confirmed, and only the latest secret can be confirmed.
    await signIn(server)
    const { secret: last } = await alice.totp.start()
    expect(await codeOf(alice.totp.confirm({ code: totpCode(secret, server.clock.now()) }))).toBe(
      'INVALID_INPUT',
    )
    expect((await alice.users.me()).secondFactor).toBe(false)
    const { recoveryCodes } = await alice.totp.confirm({ code: totpCode(last, server.clock.now()) })
    expect(new Set(recoveryCodes).size).toBe(10)
    expect((await alice.users.me()).secondFactor).toBe(true)

    expect(await failureOf(signIn(server))).toMatchObject({ code: 'SECOND_FACTOR_REQUIRED', status: 401 })
    for (const proof of [{}, { code: '000000' }, { recoveryCode: recoveryCodes[0] ?? '' }]) {
      const answer = await rest(server, 'POST /v1/sessions', {
        authorization: null,
        headers: { 'x-request-id': 'same' },
        json: { username: 'alice', password: 'wrong', ...proof },
      })
      const unknown = await rest(server, 'POST /v1/sessions', {
        authorization: null,
        headers: { 'x-request-id': 'same' },
        json: { username: 'nobody', password, ...proof },
      })
      expect([answer.status, answer.body]).toEqual([unknown.status, unknown.body])
    }
    server.clock.advance(STEP_MS)
    await (await signIn(server, { code: totpCode(last, server.clock.now()) })).users.list()
  })

  test('accepts codes of the adjacent time steps, each once, and none older than the last accepted one', async () => {
    await using server = await createTestServer({ using, users })
    const { secret } = await turnOnTotp(server)
    const at = (steps: number) => totpCode(secret, new Date(server.clock.now().getTime() + steps * STEP_MS))
    // The code that turned it on is already used.
    expect(await codeOf(signIn(server, { code: at(-1) }))).toBe('UNAUTHENTICATED')
    expect(await codeOf(signIn(server, { code: at(2) }))).toBe('UNAUTHENTICATED')
    await signIn(server, { code: at(0) })
    expect(await codeOf(signIn(server, { code: at(0) }))).toBe('UNAUTHENTICATED')
    await signIn(server, { code: at(1) })
    server.clock.advance(5 * STEP_MS)
    await signIn(server, { code: at(0) })
    expect(await codeOf(signIn(server, { code: at(-1) }))).toBe('UNAUTHENTICATED')
    expect(await codeOf(signIn(server, { code: at(-2) }))).toBe('UNAUTHENTICATED')
  })

  test('accepts codes again after a clock was ahead', async () => {
    await using server = await createTestServer({ using, users })
    const { code } = await turnOnTotp(server)
    const now = server.clock.now()
    server.clock.advance(365 * 24 * 60 * 60 * 1_000)
    await signIn(server, { code: code() })
    server.clock.set(now)
    await signIn(server, { code: code() })
    expect(await codeOf(signIn(server, { code: code() }))).toBe('UNAUTHENTICATED')
  })

  test('accepts a code once in concurrent sign-ins', async () => {
    await using server = await createTestServer({ using, users })
    const { code, recoveryCodes } = await turnOnTotp(server)
    for (const proof of [{ code: code() }, { recoveryCode: recoveryCodes[0] ?? '' }]) {
      const tries = await Promise.allSettled([signIn(server, proof), signIn(server, proof)])
      expect(tries.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    }
  })

  test('accepts each recovery code once, regardless of case, spaces and hyphens', async () => {
    await using server = await createTestServer({ using, users })
    const { recoveryCodes } = await turnOnTotp(server)
    const [first = '', second = ''] = recoveryCodes
    await signIn(server, { recoveryCode: first })
    expect(await codeOf(signIn(server, { recoveryCode: first }))).toBe('UNAUTHENTICATED')
    await signIn(server, { recoveryCode: ` ${second.toUpperCase().replaceAll('-', ' ')}` })
    expect(await codeOf(signIn(server, { recoveryCode: second }))).toBe('UNAUTHENTICATED')
    expect(await codeOf(signIn(server, { code: '123456', recoveryCode: second }))).toBe('INVALID_INPUT')
  })

  test('disables basic authentication while it is on', async () => {
    await using server = await createTestServer({ using, users })
    const authorization = basic('alice', password)
    expect((await rest(server, 'GET /v1/users', { authorization })).status).toBe(200)
    const { recoveryCodes } = await turnOnTotp(server)
    expect(await rest(server, 'GET /v1/users', { authorization })).toMatchObject({
      status: 401,
      body: { code: 'UNAUTHENTICATED' },
    })
    await server.as('alice').totp.disable({ recoveryCode: recoveryCodes[0] ?? '' })
    expect((await rest(server, 'GET /v1/users', { authorization })).status).toBe(200)
  })

  test('can be turned off with a code, or without by an admin, which deletes its secret and recovery codes', async () => {
    await using server = await createTestServer({ using, users })
    const { alice, code, recoveryCodes } = await turnOnTotp(server)
    expect(await codeOf(alice.totp.start())).toBe('FORBIDDEN')
    expect(await codeOf(alice.totp.disable({}))).toBe('INVALID_INPUT')
    expect(await codeOf(alice.totp.disable({ code: '000000' }))).toBe('INVALID_INPUT')
    expect(await codeOf(alice.totp.disable({ recoveryCode: 'aaaa-aaaa-aaaa-aaaa' }))).toBe('INVALID_INPUT')
    const used = code()
    await alice.totp.disable({ code: used })
    await signIn(server)
    expect(await codeOf(alice.totp.disable({ recoveryCode: recoveryCodes[0] ?? '' }))).toBe('INVALID_INPUT')

    const again = await alice.totp.start()
    await alice.totp.confirm({ code: nextTotpCode(again.secret, server.clock.now()) })
    expect(await codeOf(signIn(server, { recoveryCode: recoveryCodes[0] ?? '' }))).toBe('UNAUTHENTICATED')
    expect(await codeOf(alice.totp.remove({ user: 'alice' }))).toBe('FORBIDDEN')
    await server.client.totp.remove({ user: 'alice' })
    await signIn(server)
    await server.client.totp.remove({ user: 'alice' })
  })

  test('accepts no more codes after ten wrong ones from any address, for 24 hours, and informs the user', async () => {
    await using server = await createTestServer({
      using,
      users,
      settings: { trustedProxies: ['loopback'] },
    })
    const { alice, secret, code, recoveryCodes } = await turnOnTotp(server)
    const wrong = () => (code() === '000000' ? '111111' : '000000')
    const attempt = async (shown: string, n: number) =>
      rest(server, 'POST /v1/sessions', {
        authorization: null,
        headers: { 'x-forwarded-for': `203.0.113.${n}` },
        json: { username: 'alice', password, code: shown },
      })
    expect((await alice.users.me()).lastWrongCodeAt).toBeNull()
    // Guesses at the same time count as well, and so do those that turn it off.
    const first = await Promise.all(Array.from({ length: 9 }, (_, n) => attempt(wrong(), n)))
    expect(first.map(({ status }) => status)).toEqual(Array(9).fill(401))
    expect(await codeOf(alice.totp.disable({ code: wrong() }))).toBe('INVALID_INPUT')
    expect((await alice.users.me()).lastWrongCodeAt).toEqual(server.clock.now())
    const entries = (await server.client.audit.list({ action: 'user.second_factor_blocked' })).items
    expect(entries).toHaveLength(1)

    // A right code does not reveal that it is right.
    const more = await Promise.all([attempt(code(), 20), attempt(wrong(), 21)])
    for (const { status, body, headers } of more) {
      expect([status, headers.get('retry-after')]).toEqual([429, '86400'])
      expect(body).toMatchObject({ code: 'RATE_LIMITED', detail: expect.stringContaining('recovery code') })
    }
    expect(await codeOf(alice.totp.disable({ code: code() }))).toBe('RATE_LIMITED')

    server.clock.advance(24 * 60 * 60 * 1_000)
    await signIn(server, { code: totpCode(secret, server.clock.now()) })
    for (let n = 0; n < 10; n++) await attempt(wrong(), n)
    server.clock.advance(STEP_MS)
    expect((await attempt(code(), 30)).status).toBe(429)
    // Recovery codes cannot be guessed. One of them lifts the block.
    await signIn(server, { recoveryCode: recoveryCodes[0] ?? '' })
    await signIn(server, { code: code() })
    expect((await alice.users.me()).lastWrongCodeAt).not.toBeNull()
  })

  test('stays on after a password reset', async () => {
    await using server = await createTestServer({ using, users })
    const { code } = await turnOnTotp(server)
    const { token } = await server.client.passwords.issueReset({ user: 'alice' })
    await server.client.passwords.reset({ token, newPassword: 'battery staple' })
    const again = (proof: Proof) =>
      server.client.sessions.create({ username: 'alice', password: 'battery staple', ...proof })
    expect(await codeOf(again({}))).toBe('SECOND_FACTOR_REQUIRED')
    await again({ code: code() })
  })
})

test('two-factor authentication on PostgreSQL is UNAVAILABLE without SOTTO_SECRET', async () => {
  await using server = await createTestServer({ using: 'postgres', users, settings: { secret: undefined } })
  const answer = await rest(server, 'POST /v1/me/totp', { as: 'alice' })
  expect(answer).toMatchObject({
    status: 503,
    body: { code: 'UNAVAILABLE', detail: expect.stringContaining('SOTTO_SECRET') },
  })
})
