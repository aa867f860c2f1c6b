import type { Config } from '@sotto/server'
import { dialects, openSse, openWs, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

const PASSWORD = 'correct horse battery staple'

test('a user has twenty WebSockets open at once, whatever they do with them', async () => {
  await using world = await startServer('sqlite', { users: ['alice', 'bob'] })
  const sockets: WebSocket[] = []
  /** What the server says to somebody who asks for nothing: undefined when it takes them. */
  const refusalOf = (actAs: string) =>
    new Promise<string | undefined>((resolve) => {
      const socket = new WebSocket(`${world.url.replace('http', 'ws')}/trpc?connectionParams=1`)
      sockets.push(socket)
      socket.addEventListener('open', () => {
        const data = { authorization: `Bearer ${world.serviceKey}`, actAs }
        socket.send(JSON.stringify({ method: 'connectionParams', data }))
        const query = { path: 'users.get', input: { json: { user: 'alice' } } }
        socket.send(JSON.stringify({ id: 1, method: 'query', params: query }))
      })
      socket.addEventListener('message', ({ data }) => {
        const { error } = JSON.parse(String(data)) as { error?: { json: { data: { code: string } } } }
        resolve(error?.json.data.code)
      })
    })
  for (let i = 0; i < 20; i++) expect(await refusalOf('alice')).toBeUndefined()
  expect(await refusalOf('alice')).toBe('RATE_LIMITED')
  expect(await refusalOf('bob')).toBeUndefined()
  sockets[0]?.close()
  await expect.poll(() => refusalOf('alice')).toBeUndefined()
  for (const socket of sockets) socket.close()
})

describe.each(dialects)('limits of streams on %s', (using) => {
  test('a user opens so many within so long, over whatever transport', async () => {
    await using world = await startServer(using, {
      settings: { limits: limitsOf({ count: 2, seconds: 60 }) },
    })
    const authorization = await logIn(world)
    await using _sse = await openSse(`${world.url}/v1/events`, { authorization })
    await using _ws = await openWs(world.url, { authorization }, {})
    await expect(openWs(world.url, { authorization }, {})).rejects.toMatchObject({
      status: 429,
      code: 'RATE_LIMITED',
    })
    const refused = await fetch(`${world.url}/v1/events`, { headers: { authorization } })
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(20)
    expect(refused.headers.get('ratelimit')).toMatch(/^"streams";r=0;t=\d+$/)
  })

  test('a stream says what is left', async () => {
    await using world = await startServer(using, {
      settings: { limits: limitsOf({ count: 5, seconds: 60 }) },
    })
    const abort = new AbortController()
    const stream = await fetch(`${world.url}/v1/events`, {
      headers: { authorization: await logIn(world) },
      signal: abort.signal,
    })
    expect(stream.headers.get('ratelimit-policy')).toBe('"streams";q=5;w=60')
    expect(stream.headers.get('ratelimit')).toMatch(/^"streams";r=4;t=\d+$/)
    abort.abort()
  })

  test('an address opens so many WebSockets, whatever they say', async () => {
    await using world = await startServer(using, {
      settings: { limits: limitsOf({ count: 1, seconds: 60 }) },
    })
    const open = () =>
      new Promise<'open' | 'refused'>((resolve) => {
        const socket = new WebSocket(`${world.url.replace('http', 'ws')}/trpc`)
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

async function logIn(world: RunningServer): Promise<string> {
  await world.client.users.create({ username: 'alice', password: PASSWORD })
  const { token } = await world.client.sessions.create({ username: 'alice', password: PASSWORD })
  return `Bearer ${token}`
}
