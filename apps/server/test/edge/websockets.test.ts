import type { Config } from '@sotto/server'
import { type RunningServer, rest, startServer } from '@sotto/testing/internal'
import { afterEach, describe, expect, test, vi } from 'vitest'

afterEach(() => void vi.useRealTimers())

interface Socket {
  socket: WebSocket
  received: string[]
  /** The close code. */
  closed: Promise<number>
}

/** Resolves once the connection is open. */
async function open(server: RunningServer, query = ''): Promise<Socket> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/trpc${query}`)
  const received: string[] = []
  socket.addEventListener('message', ({ data }) => void received.push(String(data)))
  const closed = new Promise<number>((resolve) =>
    socket.addEventListener('close', ({ code }) => resolve(code)),
  )
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  return { socket, received, closed }
}

const params = (server: RunningServer) => ({
  method: 'connectionParams',
  data: { authorization: `Bearer ${server.serviceKey}`, actAs: 'alice' },
})
/** Is answered without an id. */
const undecodable = { json: {}, meta: 1 }
const query = (path: string, id = 1) => ({ id, method: 'query', params: { path, input: { json: {} } } })

function withReads(count: number): Config['limits'] {
  const reads = { count, seconds: 60 }
  return { logins: null, sends: null, writes: null, keys: null, streams: null, reads }
}

describe('a WebSocket', () => {
  test('is closed after ten seconds unless it has authenticated', async () => {
    await using server = await startServer('sqlite', { users: ['alice'] })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const heartbeats = await open(server, '?connectionParams=1')
    const silent = await open(server)
    const known = await open(server, '?connectionParams=1')
    known.socket.send(JSON.stringify(params(server)))
    known.socket.send(JSON.stringify(query('users.list')))
    for (const { socket } of [heartbeats, known]) socket.send('PING')
    await vi.waitFor(() => expect(heartbeats.received).toEqual(['PONG']))
    await vi.waitFor(() => expect(known.received.join()).toContain('"result"'))
    vi.advanceTimersByTime(9_000)
    for (const { socket } of [heartbeats, known]) socket.send('PING')
    await vi.waitFor(() => expect(heartbeats.received).toEqual(['PONG', 'PONG']))
    vi.advanceTimersByTime(1_000)
    expect(await heartbeats.closed).toBe(1013)
    expect(await silent.closed).toBe(1013)
    expect(known.socket.readyState).toBe(WebSocket.OPEN)
    known.socket.close()
    await known.closed
  })

  test('is refused if its address has a hundred without credentials', async () => {
    await using server = await startServer('sqlite', { settings: { limits: withReads(60) } })
    const sockets = await Promise.all(Array.from({ length: 100 }, () => open(server, '?connectionParams=1')))
    const refused = await open(server, '?connectionParams=1')
    expect(await refused.closed).toBe(1013)
    sockets[0]?.socket.send(JSON.stringify({ ...params(server), data: { authorization: 'Bearer sk_wrong' } }))
    await sockets[0]?.closed
    const next = await open(server, '?connectionParams=1')
    next.socket.send(JSON.stringify({ method: 'connectionParams', data: {} }))
    next.socket.send(JSON.stringify(query('setup.get')))
    await vi.waitFor(() => expect(next.received.join()).toContain('"result"'))
    for (const { socket } of [...sockets, next]) socket.close()
  })

  test('names its request in each error, also for refused credentials', async () => {
    await using server = await startServer('sqlite')
    const refused = await open(server, '?connectionParams=1')
    refused.socket.send(JSON.stringify({ ...params(server), data: { authorization: 'Bearer sk_wrong' } }))
    await refused.closed
    const { socket, received } = await open(server)
    socket.send(JSON.stringify(query('users.wonders')))
    socket.send(JSON.stringify({ ...query('users.list'), params: { path: 'users.list' } }))
    await vi.waitFor(() => expect(received).toHaveLength(2))
    socket.close()
    for (const text of [...refused.received, ...received]) {
      const { error } = JSON.parse(text) as { error: { json: { data: { requestId: string } } } }
      expect(error.json.data.requestId).toMatch(/^[\w-]{36}$/)
    }
  })

  test.each([
    'x',
    'null',
    '[1]',
    '{"id":1,"method":"wonders"}',
    '{"id":1,"method":"query","params":{"path":["users.list"]}}',
    '{"method":"connectionParams","data":{}}',
  ])('that sends %s is closed', async (message) => {
    await using server = await startServer('sqlite')
    const { socket, closed } = await open(server)
    socket.send(message)
    expect([1006, 1008]).toContain(await closed)
    expect(server.logs.filter((line) => /"level":(40|50|60)/.test(line))).toEqual([])
  })
})

describe('calls of unknown procedures', () => {
  test('are answered without decoding their input', async () => {
    await using server = await startServer('sqlite')
    const { socket, received } = await open(server)
    socket.send(
      JSON.stringify({ id: 7, method: 'query', params: { path: 'users.wonders', input: undecodable } }),
    )
    await vi.waitFor(() => expect(received).toHaveLength(1))
    expect(JSON.parse(received[0] ?? '')).toMatchObject({ id: 7 })
    socket.close()
  })

  test('are charged over WebSocket, and the connection is closed at the limit', async () => {
    await using server = await startServer('sqlite', { settings: { limits: withReads(1) } })
    const { socket, received, closed } = await open(server)
    const unknown = [
      query('users.wonders'),
      { ...query('users.list'), method: 'mutation' },
      { id: 1, method: 'query', params: { path: 'users.list', input: undecodable } },
      Array.from({ length: 21 }, (_, id) => query('users.list', id)),
    ]
    // The limit of an address is ten times that of a user.
    for (let i = 0; i < 10; i++) {
      socket.send(JSON.stringify(unknown[i % unknown.length]))
      await vi.waitFor(() => expect(received.length).toBeGreaterThan(i))
    }
    expect(socket.readyState).toBe(WebSocket.OPEN)
    socket.send(JSON.stringify(query('users.wonders')))
    expect([1006, 1008]).toContain(await closed)
  })

  test.each([
    ['GET', '/trpc/users.wonders'],
    ['POST', '/trpc/users.list'],
    ['GET', '/trpc/users.wonders,users.wonders,users.wonders,users.wonders?batch=1'],
    ['GET', '/trpc/users.list,users.list'],
    ['GET', '/trpc/users.list,events.stream?batch=1'],
    ['GET', `/trpc/${Array(21).fill('users.list').join()}?batch=1`],
    ['POST', `/trpc/${Array(21).fill('messages.like').join()}?batch=1`],
    ['PUT', '/trpc/users.list'],
    ['GET', '/trpc/users.list', 'application/jsonl'],
    ['POST', '/v1/wonders'],
    ['DELETE', '/v1/users'],
  ] as const)(
    'are charged over HTTP, before the body is read: %s %s',
    async (method, path, accept: string = '*/*') => {
      await using server = await startServer('sqlite', { settings: { limits: withReads(1) } })
      const call = () =>
        rest(server, `${method} ${path}`, {
          authorization: null,
          headers: { accept, ...(method === 'POST' && { 'content-type': 'application/json' }) },
          ...(method === 'POST' && { body: '{"json":' }),
        })
      const statuses: number[] = []
      for (let i = 0; i < 11; i++) statuses.push((await call()).status)
      expect(statuses[0]).not.toBe(429)
      expect(statuses.at(-1)).toBe(429)
    },
  )
})
