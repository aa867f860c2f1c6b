import type { Config } from '@sotto/server'
import { dialects, openSse, openWs, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const PASSWORD = 'correct horse battery staple'

test('a user can have twenty WebSockets open, whatever they are used for', async () => {
  await using server = await startServer('sqlite', { users: ['alice', 'bob'] })
  const sockets: WebSocket[] = []
  /** Opens a WebSocket. Resolves to the error code, or undefined if the server accepts it. */
  const errorCodeOf = (actAs: string) =>
    new Promise<string | undefined>((resolve) => {
      const socket = new WebSocket(`${server.url.replace('http', 'ws')}/trpc?connectionParams=1`)
      sockets.push(socket)
      socket.addEventListener('open', () => {
        const data = { authorization: `Bearer ${server.serviceKey}`, actAs }
        socket.send(JSON.stringify({ method: 'connectionParams', data }))
        const query = { path: 'users.get', input: { json: { user: 'alice' } } }
        socket.send(JSON.stringify({ id: 1, method: 'query', params: query }))
      })
      socket.addEventListener('message', ({ data }) => {
        const { error } = JSON.parse(String(data)) as { error?: { json: { data: { code: string } } } }
        resolve(error?.json.data.code)
      })
    })
  for (let i = 0; i < 20; i++) expect(await errorCodeOf('alice')).toBeUndefined()
  expect(await errorCodeOf('alice')).toBe('RATE_LIMITED')
  expect(await errorCodeOf('bob')).toBeUndefined()
  sockets[0]?.close()
  await expect.poll(() => errorCodeOf('alice')).toBeUndefined()
  for (const socket of sockets) socket.close()
})

describe.each(dialects)('stream limits on %s', (using) => {
  test('count the streams of a user over all transports', async () => {
    await using server = await startServer(using, {
      settings: { limits: limitsOf({ count: 2, seconds: 60 }) },
    })
    const authorization = await signIn(server)
    await using _sse = await openSse(`${server.url}/v1/events`, { authorization })
    await using _ws = await openWs(server.url, { authorization }, {})
    await expect(openWs(server.url, { authorization }, {})).rejects.toMatchObject({
      status: 429,
      code: 'RATE_LIMITED',
    })
    const rejected = await fetch(`${server.url}/v1/events`, { headers: { authorization } })
    expect(rejected.status).toBe(429)
    expect(Number(rejected.headers.get('retry-after'))).toBeGreaterThan(20)
    expect(rejected.headers.get('ratelimit')).toMatch(/^"streams";r=0;t=\d+$/)
  })

  test('are reported in the response headers', async () => {
    await using server = await startServer(using, {
      settings: { limits: limitsOf({ count: 5, seconds: 60 }) },
    })
    const abort = new AbortController()
    const stream = await fetch(`${server.url}/v1/events`, {
      headers: { authorization: await signIn(server) },
      signal: abort.signal,
    })
    expect(stream.headers.get('ratelimit-policy')).toBe('"streams";q=5;w=60')
    expect(stream.headers.get('ratelimit')).toMatch(/^"streams";r=4;t=\d+$/)
    abort.abort()
  })

  test('count the WebSockets of an address before they authenticate', async () => {
    await using server = await startServer(using, {
      settings: { limits: limitsOf({ count: 1, seconds: 60 }) },
    })
    const open = () =>
      new Promise<'open' | 'refused'>((resolve) => {
        const socket = new WebSocket(`${server.url.replace('http', 'ws')}/trpc`)
        socket.addEventListener('open', () => {
          resolve('open')
          socket.close()
        })
        socket.addEventListener('error', () => resolve('refused'))
      })
    const opened: string[] = []
    for (let i = 0; i < 11; i++) opened.push(await open())
    expect(opened).toEqual([...Array<string>(10).fill('open'), 'refused'])
  })
})

function limitsOf(streams: Config['limits']['streams']): Config['limits'] {
  return { logins: null, sends: null, reads: null, writes: null, keys: null, streams }
}

async function signIn(server: RunningServer): Promise<string> {
  await server.client.users.create({ username: 'alice', password: PASSWORD })
  const { token } = await server.client.sessions.create({ username: 'alice', password: PASSWORD })
  return `Bearer ${token}`
}
