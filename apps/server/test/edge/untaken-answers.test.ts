import { once } from 'node:events'
import { connect } from 'node:net'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const PASSWORD = 'correct horse battery staple'
/** As many as a page holds, of texts that JSON writes six times as long: 24 MB, which no socket's buffers take. */
const MESSAGES = 200
const TEXT = '\u0001'.repeat(20_000)
/** Of how often. */
const NO_LIMITS = { logins: null, sends: null, reads: null, writes: null, streams: null, keys: null }

/*
 * An answer that nobody takes stays in memory. What one caller can have waiting is bounded in bytes, however many
 * connections and calls it is asked for with.
 */

describe('answers that wait to be taken', () => {
  let world: RunningServer
  let authorization: string
  let page: string

  beforeAll(async () => {
    world = await startServer('sqlite', { settings: { limits: NO_LIMITS, maxTextLength: TEXT.length } })
    await world.client.users.create({ username: 'alice', password: PASSWORD })
    await world.client.users.create({ username: 'bob' })
    for (let i = 0; i < MESSAGES; i++) await world.send('alice', 'bob', TEXT)
    const { token } = await world.client.sessions.create({ username: 'alice', password: PASSWORD })
    authorization = `Bearer ${token}`
    page = `/v1/direct/bob/messages?limit=${MESSAGES}`
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const ask = (path: string, headers: Record<string, string> = { authorization }) =>
    fetch(world.url + path, { headers })

  async function statusOf(path: string, headers?: Record<string, string>): Promise<number> {
    const answer = await ask(path, headers)
    await answer.arrayBuffer()
    return answer.status
  }

  /** Asks for something and reads no more than the beginning of it. */
  async function askAndLeave(path: string, accept = 'application/json'): Promise<Disposable> {
    const { hostname, port, host } = new URL(world.url)
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
    ['a page', () => page, 'application/json'],
    ['an export', () => '/v1/users/alice/export', 'application/x-ndjson'],
  ])('count for who does not take %s, until the connection is closed', async (_, path, accept) => {
    {
      using _paused = await askAndLeave(path(), accept)
      await expect.poll(() => statusOf(page)).toBe(429)
      for (const other of [page, '/v1/users/alice/export', '/v1/me']) {
        const refused = await ask(other)
        expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
        expect(await refused.json()).toMatchObject({
          code: 'RATE_LIMITED',
          detail: expect.stringContaining('16777216 bytes'),
        })
      }
      // What a change answers is short, and nobody is told that it was refused when it was made.
      const sent = await fetch(`${world.url}/v1/messages`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ to: 'alice', text: 'a note' }),
      })
      expect(sent.status).toBe(201)
      // Others are not held to it, nor is the back end.
      expect(await statusOf('/v1/direct/alice/messages', world.headers('bob'))).toBe(200)
      expect(await statusOf(page, world.headers('alice'))).toBe(200)
    }
    await expect.poll(() => statusOf(page)).toBe(200)
  })

  test('count call by call in a batch, whose answers wait for each other', async () => {
    const input = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [i, { json: { user: 'bob', limit: MESSAGES } }]),
    )
    const calls = Array.from({ length: 20 }, () => 'direct.messages').join(',')
    const answer = await ask(`/trpc/${calls}?batch=1&input=${encodeURIComponent(JSON.stringify(input))}`)
    const answers = (await answer.json()) as { result?: object; error?: { json: { data: object } } }[]
    expect(answers.filter(({ result }) => result)).toHaveLength(1)
    for (const { error } of answers.slice(1)) {
      expect(error?.json.data).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 1_000 })
    }
    await expect.poll(() => statusOf(page)).toBe(200)
  })

  test('do not count once they are taken, one after the other', async () => {
    for (let i = 0; i < 5; i++) expect(await statusOf(page)).toBe(200)
    const exported = await ask('/v1/users/alice/export', { authorization, accept: 'application/x-ndjson' })
    const lines = (await exported.text()).trimEnd().split('\n')
    expect(lines.filter((line) => line.includes('"type":"message"')).length).toBeGreaterThanOrEqual(MESSAGES)
    expect(lines.at(-1)).toContain('"type":"end"')
  })
})
