import { createTestServer } from '@sotto/testing'
import { startServer, withPostgres } from '@sotto/testing/internal'
import { expect, test } from 'vitest'

const PASSWORD = 'correct horse battery staple'
/** The maximum number of calls in progress per caller. */
const MAX_CALLS = 50
/** Disables rate limits. */
const NO_LIMITS = { logins: null, sends: null, reads: null, writes: null, streams: null, keys: null }

test('rejects calls above the limit until one in progress ends', async () => {
  await using server = await startServer('postgres', { settings: { limits: NO_LIMITS } })
  const signIn = () =>
    fetch(`${server.url}/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'nobody', password: PASSWORD }),
    })
  const get = (path: string) => fetch(server.url + path)
  const answers = await withPostgres(server.databaseUrl, async (client) => {
    // The lock makes sign-ins wait.
    await client.query('begin')
    await client.query('lock table users in access exclusive mode')
    const waiting = Array.from({ length: MAX_CALLS }, signIn)
    await expect.poll(async () => (await get('/openapi.json')).status).toBe(429)

    const batch = '/trpc/users.me,users.me?batch=1'
    const paths = ['/docs', '/openapi.json', '/v1/users', '/trpc/users.me', batch]
    for (const answer of [await signIn(), ...(await Promise.all(paths.map(get)))]) {
      expect([answer.status, answer.headers.get('retry-after')], answer.url).toEqual([429, '1'])
      expect(await answer.text(), answer.url).toContain('RATE_LIMITED')
    }
    expect((await get('/healthz')).status).toBe(200)
    await client.query('rollback')
    return Promise.all(waiting)
  })
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
  await expect.poll(async () => (await get('/openapi.json')).status).toBe(200)
})

test('does not count sent responses or calls of service keys', async () => {
  await using server = await startServer('sqlite', { settings: { limits: NO_LIMITS } })
  const asKey = () => fetch(`${server.url}/v1/users`, { headers: server.headers() })
  for (let n = 0; n <= MAX_CALLS; n++) {
    for (const path of ['/openapi.json', '/docs', '/v1/users', '/trpc/users.me']) {
      const answer = await fetch(server.url + path)
      expect([200, 401]).toContain(answer.status)
      await answer.arrayBuffer()
    }
  }
  const together = await Promise.all(Array.from({ length: 2 * MAX_CALLS }, asKey))
  expect(new Set(together.map(({ status }) => status))).toEqual(new Set([200]))
})

test('does not count finished calls without a network', async () => {
  await using server = await createTestServer()
  for (let n = 0; n <= MAX_CALLS; n++) {
    const answer = await server.fetch('/openapi.json')
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
  }
})

test('returns 304 for documentation that the client already has', async () => {
  await using server = await createTestServer()
  const etag = (await server.fetch('/openapi.json')).headers.get('etag') ?? ''
  expect(etag).toMatch(/^".+"$/)
  const again = await server.fetch('/openapi.json', { headers: { 'if-none-match': etag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
})
