import type { LiveConversation } from '@sotto/sdk'
import { createClient, SottoError } from '@sotto/sdk'
import type { TestServer } from '@sotto/testing'
import { createTestServer } from '@sotto/testing'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { isSettled, until } from './support/live.ts'

let server: TestServer
let live: LiveConversation
beforeAll(async () => {
  server = await createTestServer({ users: ['alice', 'bob'] })
  live = server.as('alice').conversation('bob').live()
  await until(live, ({ isLoaded }) => isLoaded)
})
afterAll(async () => {
  live?.close()
  await server?.[Symbol.asyncDispose]()
})

/** Resolves after the listeners were notified of everything so far. */
async function notified(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = live.subscribe(resolve)
  live.discard(live.send('a change'))
  await promise
  stop()
}

it('does not call listeners that were removed, even by other listeners', async () => {
  await notified()
  const called: string[] = []
  const stops: (() => void)[] = []
  stops.push(
    live.subscribe(() => {
      called.push('first')
      for (const stop of stops) stop()
    }),
  )
  stops.push(live.subscribe(() => called.push('second')))
  const removed = live.subscribe(() => called.push('removed'))
  live.discard(live.send('another change'))
  removed()
  await notified()
  expect(called).toEqual(['first'])
})

it('calls a function that listens twice until it has been removed twice', async () => {
  let calls = 0
  const listener = () => {
    calls += 1
  }
  const stops = [live.subscribe(listener), live.subscribe(listener)]
  await notified()
  expect(calls).toBe(2)
  stops[0]?.()
  stops[0]?.()
  await notified()
  expect(calls).toBe(3)
  stops[1]?.()
  await notified()
  expect(calls).toBe(3)
})

it('notifies once of changes in several tasks, and of all views together', async () => {
  await using other = server.as('alice').conversation('bob').live()
  await until(other, ({ isLoaded }) => isLoaded)
  await notified()
  const calls: string[] = []
  const stops = [
    live.subscribe(() => calls.push('live')),
    other.subscribe(() => {
      calls.push('other')
      queueMicrotask(() => calls.push('rendered'))
    }),
  ]
  for (const text of ['1', '2', '3']) {
    for (const view of [other, live]) view.discard(view.send(text))
    await new Promise((resolve) => setTimeout(resolve))
  }
  await expect.poll(() => calls.length).toBeGreaterThan(2)
  expect(calls.slice(0, 3)).toEqual(['other', 'live', 'rendered'])
  for (const stop of stops) stop()
})

it('notifies after a test framework has replaced the timers', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  live.discard(live.send('never notified'))
  vi.useRealTimers()
  await notified()
})

it('gives each message a key, which stays when it is sent and deleted', async () => {
  const { id } = await server.as('bob').messages.send({ to: 'alice', text: 'from bob' })
  const clientMessageId = live.send('from alice')
  const pending = live.state.messages.at(-1)
  expect(pending?.key).toBe(clientMessageId)
  const { messages } = await until(live, isSettled(2))
  expect(messages.map(({ key }) => key).sort()).toEqual([id, clientMessageId].sort())
  const sent = messages.find((message) => message.isMine)
  if (sent?.status === 'sent') await live.delete(sent.id)
  expect(live.state.messages.find(({ key }) => key === clientMessageId)).toMatchObject({ text: null })
})

it('reports errors of the token function as SottoErrors', async () => {
  const cause = new TypeError('no token yet')
  const token = () => {
    throw cause
  }
  const client = createClient({ url: server.url, fetch: server.fetch, token })
  await using conversation = client.conversation('bob').live()
  using inbox = client.conversations.live()
  for (const view of [conversation, inbox]) {
    await expect.poll(() => view.state.error).toMatchObject({ code: 'UNAVAILABLE', cause })
    expect(view.state.error).toBeInstanceOf(SottoError)
  }
})
