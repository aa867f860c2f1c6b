import { once } from 'node:events'
import { connect } from 'node:net'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const PASSWORD = 'correct horse battery staple'
/** A full page of texts that JSON escapes to six times their length: 24 MB, more than socket buffers hold. */
const MESSAGES = 200
const TEXT = `x${'\u0001'.repeat(19_999)}`
/** Disables rate limits. */
const NO_LIMITS = { logins: null, sends: null, reads: null, writes: null, streams: null, keys: null }

/*
 * A response that the client does not read stays in memory. The unread bytes of one caller are limited, regardless of
 * how many connections and calls they use.
 */

describe('unread responses', () => {
  let server: RunningServer
  let authorization: string
  let page: string

  beforeAll(async () => {
    server = await startServer('sqlite', { settings: { limits: NO_LIMITS, maxTextLength: TEXT.length } })
    await server.client.users.create({ username: 'alice', password: PASSWORD })
    await server.client.users.create({ username: 'bob' })
    for (let i = 0; i < MESSAGES; i++) await server.send('alice', 'bob', TEXT)
    const { token } = await server.client.sessions.create({ username: 'alice', password: PASSWORD })
    authorization = `Bearer ${token}`
    page = `/v1/direct/bob/messages?limit=${MESSAGES}`
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const get = (path: string, headers: Record<string, string> = { authorization }) =>
    fetch(server.url + path, { headers })

  async function statusOf(path: string, headers?: Record<string, string>): Promise<number> {
    const answer = await get(path, headers)
    await answer.arrayBuffer()
    return answer.status
  }

  /** Makes a call and reads only the beginning of the response. */
  async function callWithoutReading(path: string, accept = 'application/json'): Promise<Disposable> {
    const { hostname, port, host } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: ${host}\r\naccept: ${accept}\r\nauthorization: ${authorization}\r\n\r\n`,
    )
    const [begin] = await once(socket, 'data')
    socket.pause()
    expect(String(begin)).toMatch(/^HTTP\/1\.1 200 /)
    return { [Symbol.dispose]: () => void socket.destroy() }
  }

  test.each([
    ['page', () => page, 'application/json'],
    ['export', () => '/v1/users/alice/export', 'application/x-ndjson'],
  ])('count toward the limit until the connection is closed: %s', async (_, path, accept) => {
    {
      using _paused = await callWithoutReading(path(), accept)
      await expect.poll(() => statusOf(page)).toBe(429)
      for (const other of [page, '/v1/users/alice/export', '/v1/me']) {
        const rejected = await get(other)
        expect([rejected.status, rejected.headers.get('retry-after')]).toEqual([429, '1'])
        expect(await rejected.json()).toMatchObject({
          code: 'RATE_LIMITED',
          detail: expect.stringContaining('16777216 bytes'),
        })
      }
      // Mutations are not limited: their responses are short, and an error would hide that the change was made.
      const sent = await fetch(`${server.url}/v1/messages`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ to: 'alice', text: 'a note' }),
      })
      expect(sent.status).toBe(201)
      // Other users and service keys are not affected.
      expect(await statusOf('/v1/direct/alice/messages', server.headers('bob'))).toBe(200)
      expect(await statusOf(page, server.headers('alice'))).toBe(200)
    }
    await expect.poll(() => statusOf(page)).toBe(200)
  })

  test('count for each call of a batch', async () => {
    const input = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [i, { json: { user: 'bob', limit: MESSAGES } }]),
    )
    const calls = Array.from({ length: 20 }, () => 'direct.messages').join(',')
    const answer = await get(`/trpc/${calls}?batch=1&input=${encodeURIComponent(JSON.stringify(input))}`)
    const answers = (await answer.json()) as { result?: object; error?: { json: { data: object } } }[]
    expect(answers.filter(({ result }) => result)).toHaveLength(1)
    for (const { error } of answers.slice(1)) {
      expect(error?.json.data).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 1_000 })
    }
    await expect.poll(() => statusOf(page)).toBe(200)
  })

  test('do not count once they have been read', async () => {
    for (let i = 0; i < 5; i++) expect(await statusOf(page)).toBe(200)
    const exported = await get('/v1/users/alice/export', { authorization, accept: 'application/x-ndjson' })
    const lines = (await exported.text()).trimEnd().split('\n')
    expect(lines.filter((line) => line.includes('"type":"message"')).length).toBeGreaterThanOrEqual(MESSAGES)
    expect(lines.at(-1)).toContain('"type":"end"')
  })
})
