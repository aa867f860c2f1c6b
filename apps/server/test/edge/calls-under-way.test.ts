import { connect, type Socket } from 'node:net'
import { createTestServer } from '@sotto/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startWorld, type World } from '../realtime/support/world.ts'

const PASSWORD = 'correct horse battery staple'
/** What one caller has under way at most. */
const MAX_CALLS = 50
/** The buffers of a connection take ten megabytes. */
const ASKED_ON_EACH = 40

let world: World
let alice: string
let bob: string
beforeAll(async () => {
  world = await startWorld('sqlite')
  const logIn = async (username: string) => {
    await world.client.users.create({ username, password: PASSWORD })
    return `Bearer ${(await world.client.sessions.create({ username, password: PASSWORD })).token}`
  }
  alice = await logIn('alice')
  bob = await logIn('bob')
  // A page of a megabyte.
  for (let n = 0; n < 25; n++) await world.send('alice', 'bob', '💧'.repeat(10_000))
})
afterAll(() => world[Symbol.asyncDispose]())

/** Asks often, and reads nothing. */
function askUnread(path: string, authorization: string | undefined): Socket {
  const socket = connect(Number(new URL(world.url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.pause()
  const field = authorization === undefined ? '' : `authorization: ${authorization}\r\n`
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n${field}\r\n`.repeat(ASKED_ON_EACH))
  return socket
}

function ask(path: string, authorization: string | undefined): Promise<Response> {
  return fetch(world.url + path, { headers: authorization === undefined ? {} : { authorization } })
}

describe('answers that nobody reads are only so many', () => {
  test.each([
    {
      who: 'somebody without credentials',
      authorization: () => undefined,
      path: '/docs/assets/swagger-ui-bundle.js',
      refused: ['/openapi.json', '/docs', '/trpc/users.me', '/v1/users/me'],
      others: () => [alice, bob],
    },
    {
      who: 'a user',
      authorization: () => alice,
      path: '/v1/direct/bob/messages?limit=200',
      refused: ['/v1/users', '/trpc/users.me', '/trpc/users.me,users.me?batch=1'],
      others: () => [bob],
    },
  ])('for $who', async ({ authorization, path, refused, others }) => {
    const own = authorization()
    const sockets = Array.from({ length: 4 }, () => askUnread(path, own))
    try {
      for (const one of refused) {
        // What the buffers of a connection take has left, so a few more are taken.
        const answers = await Promise.all(Array.from({ length: MAX_CALLS }, () => ask(one, own)))
        const late = answers.find(({ status }) => status === 429)
        expect(late?.headers.get('retry-after'), one).toBe('1')
        expect(await late?.text()).toContain('RATE_LIMITED')
        for (const answer of answers) if (answer !== late) await answer.arrayBuffer()
      }
      for (const other of [...others(), `Bearer ${world.serviceKey}`]) {
        expect((await ask('/v1/users', other)).status).toBe(200)
      }
      expect((await ask('/healthz', undefined)).status).toBe(200)
    } finally {
      for (const socket of sockets) socket.destroy()
    }
    await expect.poll(async () => (await ask(refused[0] ?? '', own)).status).toBe(200)
  })
})

test('answers that have left count no more, and a service key has no bound', async () => {
  for (let n = 0; n < 2 * MAX_CALLS; n++) {
    await (await ask('/openapi.json', undefined)).arrayBuffer()
    await (await ask('/v1/users', alice)).arrayBuffer()
  }
  const together = await Promise.all(
    Array.from({ length: 2 * MAX_CALLS }, () => ask('/v1/users', `Bearer ${world.serviceKey}`)),
  )
  expect(new Set(together.map(({ status }) => status))).toEqual(new Set([200]))
})

test('without a network it is the same', async () => {
  await using server = await createTestServer()
  for (let n = 0; n < 2 * MAX_CALLS; n++) {
    const answer = await server.fetch('/openapi.json')
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
  }
})

test('who has the documentation already is not sent it again', async () => {
  const first = await ask('/docs/assets/swagger-ui.css', undefined)
  const etag = first.headers.get('etag') ?? ''
  expect(etag).toMatch(/^".+"$/)
  const again = await fetch(`${world.url}/docs/assets/swagger-ui.css`, { headers: { 'if-none-match': etag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
})
