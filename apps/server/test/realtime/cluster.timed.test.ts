import { startServer, withPostgres } from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'

/** The poll interval of one second, and a margin for a busy machine. */
const POLL_MS = 1_600

describe('two servers on one PostgreSQL', () => {
  test('notify each other immediately, and fall back to polling', {
    timeout: 30_000,
  }, async () => {
    await using server = await startServer('postgres', { users: ['alice', 'bob'] })
    await using other = await server.another()
    await server.send('alice', 'bob', 'first')
    await using bob = await other.sse('bob')
    const latency = async (text: string, limitMs: number) => {
      const before = performance.now()
      await server.send('alice', 'bob', text)
      await bob.inbox.untilText(text, limitMs)
      return performance.now() - before
    }
    await latency('warm', POLL_MS)
    const latencies: number[] = []
    for (let i = 0; i < 20; i++) latencies.push(await latency(`hint ${i}`, POLL_MS))
    const median = latencies.toSorted((a, b) => a - b)[10] ?? Number.NaN
    expect(median).toBeLessThan(200)

    const cut = () =>
      withPostgres(server.databaseUrl, (client) =>
        client.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sotto hints' and datname = current_database()",
        ),
      )
    const untilCut = performance.now() + 3_000
    let sent = 0
    const cutting = setInterval(() => void cut(), 100)
    while (performance.now() < untilCut) expect(await latency(`cut ${sent++}`, POLL_MS)).toBeLessThan(POLL_MS)
    clearInterval(cutting)
    expect(bob.inbox.texts.filter((text) => text?.startsWith('cut'))).toEqual(
      Array.from({ length: sent }, (_, i) => `cut ${i}`),
    )
    await expect
      .poll(async () => latency(`back ${sent++}`, POLL_MS), { timeout: 8_000, interval: 50 })
      .toBeLessThan(200)
  })

  test('a client that switches between them misses nothing and receives events in order', async () => {
    await using server = await startServer('postgres', { users: ['alice', 'bob'] })
    await using other = await server.another()
    await server.send('alice', 'bob', 'first')
    const servers = [server, other]
    let stream = await server.sse('bob')
    const seen = new Set<string>()
    const texts: (string | null)[] = []
    const collect = () => {
      for (const event of stream.inbox.events) {
        if (seen.has(event.id)) continue
        seen.add(event.id)
        if (event.type === 'message.created') texts.push(event.message.text)
      }
    }
    let isSending = true
    const sending = (async () => {
      for (let i = 0; i < 150; i++) await (servers[i % 2] ?? server).send('alice', 'bob', `${i}`)
      isSending = false
    })()
    for (let hop = 1; isSending; hop++) {
      await stream.inbox.until(() => stream.inbox.received.length > 0 || !isSending, 3_000)
      const { cursor } = stream
      stream.close()
      await stream.ended
      collect()
      stream = await (servers[hop % 2] ?? server).sse('bob', '', stream.cursor || cursor)
    }
    await sending
    await expect
      .poll(() => {
        collect()
        return texts.filter((text) => text !== 'first').length
      })
      .toBe(150)
    expect(texts.filter((text) => text !== 'first')).toEqual(Array.from({ length: 150 }, (_, i) => `${i}`))
    stream.close()
  })
})
