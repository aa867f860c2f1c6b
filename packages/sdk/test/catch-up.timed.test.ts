import type { Event, Fetch } from '@sotto/sdk'
import { createClient } from '@sotto/sdk'
import { createTestServer } from '@sotto/testing'
import { expect, it } from 'vitest'
import { until } from './support/live.ts'

const MISSED = 10_000

/** Yields the events as a server would send them, in chunks of 64 KiB that are all there already. */
function streamOf(events: readonly Event[]): ReadableStream<Uint8Array> {
  const text = events.map(
    (event) => `id: c${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
  )
  const bytes = new TextEncoder().encode(text.join(''))
  return new ReadableStream({
    start(controller) {
      for (let from = 0; from < bytes.length; from += 65_536)
        controller.enqueue(bytes.slice(from, from + 65_536))
    },
  })
}

/** Measures the CPU time of tasks, which does not depend on other processes. */
function measureTasks() {
  let longestMs = 0
  let count = 0
  let isOver = false
  let before = process.threadCpuUsage()
  function tick(): void {
    const { user, system } = process.threadCpuUsage(before)
    longestMs = Math.max(longestMs, (user + system) / 1_000)
    count += 1
    before = process.threadCpuUsage()
    if (!isOver) setTimeout(tick)
  }
  setTimeout(tick)
  return {
    end() {
      isOver = true
      return { longestMs, count }
    },
  }
}

it('lets the page respond while it catches up', async () => {
  await using server = await createTestServer({ users: ['alice', 'bob'] })
  const sent = await server.as('bob').messages.send({ to: 'alice', text: '1' })
  const missed = Promise.withResolvers<ReadableStream<Uint8Array>>()
  const fetch: Fetch = async (url, init) => {
    if (new URL(url).pathname !== '/v1/events') return await server.fetch(url, init)
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const writer = writable.getWriter()
    void writer.write(new TextEncoder().encode('id: c0\n\n'))
    void missed.promise.then(async (rest) => {
      writer.releaseLock()
      await rest.pipeTo(writable).catch(() => {})
    })
    return new Response(readable, { headers: { 'content-type': 'text/event-stream' } })
  }
  const client = createClient({ url: server.url, token: server.serviceKey, fetch }).as('bob')
  await using live = client.conversation('alice').live()
  using inbox = client.conversations.live()
  await until(live, ({ isLoaded }) => isLoaded)
  await until(inbox, ({ isLoaded }) => isLoaded)

  const { conversationId } = sent
  // The user has sent them from another device.
  const events = Array.from({ length: MISSED }, (_, index): Event => {
    const id = `m${index}`
    const message = { ...sent, id, seq: index + 2, text: `message ${index}` }
    return { id: `e${index}`, type: 'message.created', conversationId, at: sent.createdAt, message }
  })
  let notifications = 0
  live.subscribe(() => {
    notifications += 1
  })
  const stream = streamOf(events)
  const tasks = measureTasks()
  missed.resolve(stream)
  await until(live, ({ lastSeq }) => lastSeq === MISSED + 1)
  await until(inbox, ({ conversations }) => conversations[0]?.lastSeq === MISSED + 1)
  expect(live.state.messages).toHaveLength(500)
  const { longestMs, count } = tasks.end()
  expect(longestMs).toBeLessThan(100)
  expect(count).toBeGreaterThan(10)
  expect(notifications).toBeLessThan(500)
})
