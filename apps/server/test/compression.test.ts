import { get, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/* The compression of responses, which does not depend on the database. */

let server: RunningServer
beforeAll(async () => {
  server = await startServer('sqlite', {
    users: ['alice', ...Array.from({ length: 50 }, (_, n) => `user-${n}`)],
  })
  for (let n = 0; n < 50; n++) await server.send(`user-${n}`, 'alice', `Hello from user ${n}, how are you?`)
})
afterAll(() => server[Symbol.asyncDispose]())

const rpc = (name: string, input: object) =>
  `/trpc/${name}?input=${encodeURIComponent(JSON.stringify({ json: input }))}`

/** Requests without decompressing. */
async function request(path: string, encoding: string, more: Record<string, string | undefined> = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const all = { ...server.headers('alice'), 'accept-encoding': encoding, ...more }
    const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
    get(`${server.url}${path}`, { headers }, resolve).on('error', reject)
  })
  return { headers: response.headers, body: await buffer(response) }
}

const batch = encodeURIComponent('{"0":{"json":{"limit":50}},"1":{"json":{}}}')

// Without an actor, so that the first request does not mark anything as delivered.
describe.each([
  ['REST', '/v1/messages?limit=50'],
  ['tRPC', rpc('messages.list', { limit: 50 })],
  ['a tRPC batch', `/trpc/messages.list,setup.get?batch=1&input=${batch}`],
])('a list over %s', (_, path) => {
  test('is a fraction of its size with gzip', async () => {
    const bare = { 'act-as': undefined }
    const plain = await request(path, 'identity', bare)
    expect(plain.headers['content-encoding']).toBeUndefined()
    const { headers, body } = await request(path, 'gzip, br', bare)
    expect(headers['content-encoding']).toBe('gzip')
    expect(headers.vary).toMatch(/accept-encoding/i)
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['content-type']).toBe(plain.headers['content-type'])
    expect(body.length * 5).toBeLessThan(plain.body.length)
    expect(gunzipSync(body).toString()).toBe(plain.body.toString())
  })
})

test.each([
  ['a short response', '/v1/me', {}],
  ['an error', '/v1/users/nobody', {}],
  ['a short response over tRPC', rpc('users.me', {}), {}],
  ['JSON lines', '/v1/users/alice/export', { accept: 'application/x-ndjson' }],
])('%s is not compressed', async (_, path, headers) => {
  expect((await request(path, 'gzip', headers)).headers['content-encoding']).toBeUndefined()
})

test('a streamed tRPC batch is not compressed', async () => {
  const path = `/trpc/conversations.list?batch=1&input=${encodeURIComponent('{"0":{"json":{"limit":50}}}')}`
  const { headers } = await request(path, 'gzip', { 'trpc-accept': 'application/jsonl' })
  expect(headers['content-encoding']).toBeUndefined()
})

test.each(['/v1/events', rpc('events.stream', {})])('the stream %s is not compressed', async (path) => {
  const closing = new AbortController()
  const headers = { ...server.headers('alice'), 'accept-encoding': 'gzip' }
  const response = await server.fetch(path, { headers, signal: closing.signal })
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
  expect(response.headers.get('content-encoding')).toBeNull()
  closing.abort()
})

test('responses of mutations are not compressed', async () => {
  const text = 'x'.repeat(5_000)
  const response = await server.fetch('/v1/messages', {
    method: 'POST',
    headers: { ...server.headers('alice'), 'accept-encoding': 'gzip', 'content-type': 'application/json' },
    body: JSON.stringify({ to: 'user-1', text }),
  })
  expect(response.headers.get('content-encoding')).toBeNull()
  expect(await response.json()).toMatchObject({ text })
})

test('HEAD has no body, and no encoding that does not match', async () => {
  const response = await server.fetch('/v1/conversations', {
    method: 'HEAD',
    headers: server.headers('alice'),
  })
  expect(response.status).toBe(200)
  expect(await response.text()).toBe('')
})

test('a compressed request body is not decompressed', async () => {
  const response = await server.fetch('/v1/messages', {
    method: 'POST',
    headers: { ...server.headers('alice'), 'content-encoding': 'gzip', 'content-type': 'application/json' },
    body: '{"to":"user-1","text":"x"}',
  })
  // Without decompression, this body is what it looks like.
  expect([201, 415]).toContain(response.status)
})
