import { randomBytes } from 'node:crypto'
import {
  createEmptyDatabase,
  type EmptyDatabase,
  queryPostgres,
  requirePostgresUrl,
} from '@sotto/testing/internal/databases'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openHints } from '../src/index.ts'

let empty: EmptyDatabase
/** The same database as another role, with another application name. */
let otherUrl: string
const role = `sotto_test_${randomBytes(8).toString('hex')}`

beforeAll(async () => {
  empty = await createEmptyDatabase('postgres')
  await queryPostgres(empty.url, `create role ${role} login password 'secret'`)
  const url = new URL(empty.url)
  url.username = role
  url.password = 'secret'
  url.searchParams.set('application_name', 'chat')
  otherUrl = url.href
})
afterAll(async () => {
  await empty[Symbol.asyncDispose]()
  await queryPostgres(requirePostgresUrl(), `drop role ${role}`)
})

/** Resolves once it is connected. */
async function connect(url: string) {
  const { promise: connected, resolve } = Promise.withResolvers<void>()
  const counts = { received: 0, sent: 0 }
  const hints = openHints({
    url,
    onHint() {
      counts.received++
      resolve()
    },
    onSent: () => counts.sent++,
    onError: (error) => expect.unreachable(String(error)),
  })
  await connected
  counts.received = 0
  return { ...hints, counts, send: () => hints.send(), [Symbol.asyncDispose]: () => hints.close() }
}

test('a server sends hints only while another one is connected, also as another role', async () => {
  await using first = await connect(empty.url)
  for (let n = 0; n < 3; n++) first.send()
  await using second = await connect(otherUrl)
  // The first server sends one when it finds the second, for what that one has missed.
  await expect.poll(() => first.counts.sent).toBe(1)
  await expect.poll(() => second.counts.received).toBe(1)

  first.send()
  await expect.poll(() => second.counts.received).toBe(2)
  second.send()
  await expect.poll(() => first.counts.received).toBe(2)
  expect(first.counts.sent).toBe(2)
})

test('a server stops sending hints once the others are gone', { timeout: 20_000 }, async () => {
  await using first = await connect(empty.url)
  const second = await connect(otherUrl)
  await expect.poll(() => first.counts.sent).toBe(1)
  await second[Symbol.asyncDispose]()
  await expect
    .poll(
      async () => {
        const before = first.counts.sent
        first.send()
        await queryPostgres(empty.url, 'select 1')
        return first.counts.sent - before
      },
      { timeout: 15_000, interval: 200 },
    )
    .toBe(0)
})
