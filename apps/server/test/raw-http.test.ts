import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { createServer, memoryLogger, newServiceKey, readConfig, type Server } from '@sotto/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/* Requests that need a real connection. */

const serviceKey = newServiceKey()
let server: Server
let url: URL
beforeAll(async () => {
  server = await createServer(
    { ...readConfig({}), port: 0, databaseUrl: 'file::memory:', serviceKey },
    { log: memoryLogger([]) },
  )
  url = new URL(await server.listen())
})
afterAll(() => server.close())

/** Sends the bytes and returns everything received until the server closes the connection. */
async function exchange(bytes: string): Promise<string> {
  const socket = connect(Number(url.port), url.hostname)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += String(chunk)
  })
  socket.end(bytes, 'latin1')
  await once(socket, 'close')
  return answer
}

async function get(path: string, body: string): Promise<{ status: number; body: unknown }> {
  const outgoing = request(new URL(path, url), {
    method: 'GET',
    headers: {
      authorization: `Bearer ${serviceKey}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
  })
  outgoing.end(body)
  const [response] = await once(outgoing, 'response')
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode, body: JSON.parse(text) }
}

describe('a GET with a body', () => {
  test('is rejected if the body has fields, because they would be ignored', async () => {
    expect(await get('/v1/users', '{"q":"alice"}')).toMatchObject({
      status: 400,
      body: { code: 'INVALID_INPUT', issues: [{ path: 'q' }] },
    })
  })

  test('is accepted if the body is empty or an empty object', async () => {
    expect(await get('/v1/users', '')).toMatchObject({ status: 200 })
    expect(await get('/v1/users', '{}')).toMatchObject({ status: 200 })
  })
})

describe('malformed HTTP', () => {
  test.each([
    ['not HTTP', 'hello\r\n\r\n'],
    ['an unsupported HTTP version', 'GET / HTTP/9.9\r\n\r\n'],
    ['a header without a name', 'GET /healthz HTTP/1.1\r\nhost: x\r\n: x\r\n\r\n'],
    [
      'two content lengths',
      'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx',
    ],
    [
      'both a content length and chunks',
      'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['NUL in a header', 'GET /healthz HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n'],
  ])('gets 400 with problem+json: %s', async (_, bytes) => {
    const answer = await exchange(bytes)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toMatch(/\r\ncontent-type: application\/problem\+json/i)
    const [, body = ''] = answer.split('\r\n\r\n')
    expect(JSON.parse(body)).toMatchObject({ status: 400, code: 'INVALID_INPUT', issues: [{ path: '' }] })
  })

  test('with oversized headers is rejected', async () => {
    const answer = exchange(`GET /healthz HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(100_000)}\r\n\r\n`)
    // Closing a connection with unread data resets it, so the response can be lost.
    await expect(answer.catch(() => '')).resolves.not.toMatch(/^HTTP\/1\.1 2/)
    expect((await fetch(new URL('/healthz', url))).status).toBe(200)
  })

  test('does not affect other connections', async () => {
    await exchange('hello\r\n\r\n')
    expect((await fetch(new URL('/healthz', url))).status).toBe(200)
  })
})

test('a request gets the same response over a real connection and in process', async () => {
  const path = '/v1/users?limit=0'
  const headers = { authorization: `Bearer ${serviceKey}`, 'x-request-id': 'same' }
  const overNetwork = await fetch(new URL(path, url), { headers })
  const inProcess = await server.fetch(new Request(new URL(path, url), { headers }))
  expect(await overNetwork.text()).toBe(await inProcess.text())
  expect(overNetwork.status).toBe(inProcess.status)
})
