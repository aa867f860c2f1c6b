import { request as httpRequest } from 'node:http'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, expect, test } from 'vitest'

let server: RunningServer
let cursor: string
beforeAll(async () => {
  server = await startServer('sqlite', { users: ['alice', 'bob'] })
  await server.send('alice', 'bob', 'first')
  cursor = (await server.call<{ cursor: string }>('alice', 'GET', '/v1/events/pull')).cursor
})
afterAll(() => server.close())

test.each([
  ['REST', () => `/v1/events/pull?cursor=${cursor}&wait=30`],
  [
    'RPC',
    () => `/trpc/events.pull?input=${encodeURIComponent(JSON.stringify({ json: { cursor, wait: 30 } }))}`,
  ],
])('a long poll over %s ends if its client left while it was being opened', async (_, path) => {
  const { events } = server.app
  const subscribe = events.subscribe.bind(events)
  const opening = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  events.subscribe = async (options) => {
    opening.resolve()
    await closed.promise
    return subscribe(options)
  }
  try {
    const { hostname, port } = new URL(server.url)
    const request = httpRequest({ hostname, port, path: path(), headers: server.headers('alice') })
    request.on('error', () => {})
    request.end()
    await opening.promise
    const before = server.app.events.streamCount
    request.destroy()
    await new Promise<void>((resolve) => request.on('close', () => resolve()))
    // The server has closed its side once it has answered another request.
    await expect.poll(() => server.fetch('/healthz').then(({ ok }) => ok)).toBe(true)
    closed.resolve()
    await expect.poll(() => server.app.events.streamCount).toBe(before)
  } finally {
    events.subscribe = subscribe
  }
})

test('a batch of long polls adds one listener to its response', async () => {
  const warnings: string[] = []
  const note = ({ name }: Error) => warnings.push(name)
  process.on('warning', note)
  const inputs = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [index, { json: { cursor, wait: 1 } }]),
  )
  const path = `/trpc/${Array(20).fill('events.pull').join()}?batch=1&input=${encodeURIComponent(JSON.stringify(inputs))}`
  await (await server.fetch(path, { headers: server.headers('alice') })).text()
  // Warnings are emitted in a later iteration of the event loop.
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', note)
  expect(warnings).toEqual([])
})
