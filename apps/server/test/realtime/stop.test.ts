import { dialects, type RunningServer, startServer } from '@sotto/testing/internal'
import { describe, test } from 'vitest'

describe.concurrent.each(dialects)('a server that stops, on %s', (using) => {
  test('sends its streams away, spread over some seconds, and nothing is lost', {
    timeout: 60_000,
  }, async ({ expect }) => {
    await using world = await startServer(using, {
      users: ['alice', 'bob', 'carol', 'dave'],
      inFile: true,
    })
    const readers = ['bob', 'carol', 'dave']
    for (const name of readers) await world.send('alice', name, 'first')
    const got = new Map(readers.map((name) => [name, [] as (string | null)[]]))
    const retries: number[] = []
    let server: RunningServer = world
    let streams = new Map(
      await Promise.all(readers.map(async (name) => [name, await world.sse(name)] as const)),
    )
    let ws = await world.ws('bob')
    let n = 0
    for (let restart = 0; restart < 3; restart++) {
      for (let i = 0; i < 5; i++, n++) for (const name of readers) await server.send('alice', name, `${n}`)
      const before = performance.now()
      const old = server
      const stopping = old.close()
      // A file has one server at a time; of those on PostgreSQL the next is there already.
      if (using === 'sqlite') await stopping
      server = await world.another()
      for (const stream of streams.values()) await stream.ended
      expect(await ws.ended).toBe(1012)
      expect(performance.now() - before).toBeLessThan(6_000)
      const next = new Map<string, Awaited<ReturnType<RunningServer['sse']>>>()
      for (const [name, stream] of streams) {
        retries.push(stream.retry ?? Number.NaN)
        got.get(name)?.push(...stream.inbox.texts)
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
      got.get(name)?.push(...(inbox?.texts ?? []))
      const texts = got.get(name)?.filter((text) => text !== 'first')
      expect(texts).toEqual([...Array.from({ length: n }, (_, i) => `${i}`), 'last'])
    }
    await ws.inbox.untilText('last')
    expect(retries.every((ms) => ms >= 0 && ms <= 5_000)).toBe(true)
    expect(new Set(retries).size).toBeGreaterThan(4)
    for (const stream of streams.values()) stream.close()
    ws.close()
  })
})
