import { createTestServer } from '@sotto/testing'
import { startServer, withPostgres } from '@sotto/testing/internal'
import { expect, test } from 'vitest'

const PASSWORD = 'correct horse battery staple'
/** What one caller has under way at most. */
const MAX_CALLS = 50
/** Of how often. */
const NO_LIMITS = { logins: null, sends: null, reads: null, writes: null, streams: null, keys: null }

test('who has as many calls under way as one may have is refused until one has left', async () => {
  await using world = await startServer('postgres', { settings: { limits: NO_LIMITS } })
  const logIn = () =>
    fetch(`${world.url}/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'nobody', password: PASSWORD }),
    })
  const ask = (path: string) => fetch(world.url + path)
  const answers = await withPostgres(world.databaseUrl, async (client) => {
    // Whoever logs in waits.
    await client.query('begin')
    await client.query('lock table users in access exclusive mode')
    const waiting = Array.from({ length: MAX_CALLS }, logIn)
    await expect.poll(async () => (await ask('/openapi.json')).status).toBe(429)

    const batch = '/trpc/users.me,users.me?batch=1'
    const refused = ['/docs', '/openapi.json', '/v1/users', '/trpc/users.me', batch]
    for (const answer of [await logIn(), ...(await Promise.all(refused.map(ask)))]) {
      expect([answer.status, answer.headers.get('retry-after')], answer.url).toEqual([429, '1'])
      expect(await answer.text(), answer.url).toContain('RATE_LIMITED')
    }
    expect((await ask('/healthz')).status).toBe(200)
    await client.query('rollback')
    return Promise.all(waiting)
  })
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
  await expect.poll(async () => (await ask('/openapi.json')).status).toBe(200)
})

test('answers that have left count no more, and a service key has no bound', async () => {
  await using world = await startServer('sqlite', { settings: { limits: NO_LIMITS } })
  const asKey = () => fetch(`${world.url}/v1/users`, { headers: world.headers() })
  for (let n = 0; n <= MAX_CALLS; n++) {
    for (const path of ['/openapi.json', '/docs', '/v1/users', '/trpc/users.me']) {
      const answer = await fetch(world.url + path)
      expect([200, 401]).toContain(answer.status)
      await answer.arrayBuffer()
    }
  }
  const together = await Promise.all(Array.from({ length: 2 * MAX_CALLS }, asKey))
  expect(new Set(together.map(({ status }) => status))).toEqual(new Set([200]))
})

test('without a network they leave as well', async () => {
  await using server = await createTestServer()
  for (let n = 0; n <= MAX_CALLS; n++) {
    const answer = await server.fetch('/openapi.json')
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
  }
})

test('who has the documentation already is not sent it again', async () => {
  await using server = await createTestServer()
  const etag = (await server.fetch('/openapi.json')).headers.get('etag') ?? ''
  expect(etag).toMatch(/^".+"$/)
  const again = await server.fetch('/openapi.json', { headers: { 'if-none-match': etag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
})
