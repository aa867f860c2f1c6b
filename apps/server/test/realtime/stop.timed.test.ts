import { dialects, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, test } from 'vitest'

describe.concurrent.each(dialects)('a stopping server on %s', (using) => {
  test('spreads reconnects over several seconds without losing events', {
    timeout: 60_000,
  }, async ({ expect }) => {
    await using first = await startServer(using, {
      users: ['alice', 'bob', 'carol', 'dave'],
      inFile: true,
    })
    const readers = ['bob', 'carol', 'dave']
    for (const name of readers) await first.send('alice', name, 'first')
    const received = new Map(readers.map((name) => [name, [] as (string | null)[]]))
    const retries: number[] = []
    let server: RunningServer = first
    let streams = new Map(
      await Promise.all(readers.map(async (name) => [name, await first.sse(name)] as const)),
    )
    let ws = await first.ws('bob')
    let n = 0
    for (let restart = 0; restart < 3; restart++) {
      for (let i = 0; i < 5; i++, n++) for (const name of readers) await server.send('alice', name, `${n}`)
      const before = performance.now()
      const old = server
      const stopping = old.close()
      // Only one server can use a SQLite file. On PostgreSQL the next one starts before the old one has stopped.
      if (using === 'sqlite') await stopping
      server = await first.another()
      for (const stream of streams.values()) await stream.ended
      expect(await ws.ended).toBe(1012)
      expect(performance.now() - before).toBeLessThan(6_000)
      const next = new Map<string, Awaited<ReturnType<RunningServer['sse']>>>()
      for (const [name, stream] of streams) {
        retries.push(stream.retry ?? Number.NaN)
        received.get(name)?.push(...stream.inbox.texts)
        next.set(name, await server.sse(name, '', stream.cursor))
      }
      const { cursor } = ws
      ws = await server.ws('bob', {}, cursor)
      streams = next
      await stopping
    }
    for (const name of readers) {
      await server.send('alice', name, 'last')
      const { inbox } = streams.get(name) ?? {}
      await inbox?.untilText('last')
      received.get(name)?.push(...(inbox?.texts ?? []))
      const texts = received.get(name)?.filter((text) => text !== 'first')
      expect(texts).toEqual([...Array.from({ length: n }, (_, i) => `${i}`), 'last'])
    }
    await ws.inbox.untilText('last')
    expect(retries.every((ms) => ms >= 0 && ms <= 5_000)).toBe(true)
    expect(new Set(retries).size).toBeGreaterThan(4)
    for (const stream of streams.values()) stream.close()
    ws.close()
  })
})
