import { createClient } from '@sotto/sdk'
import superjson from 'superjson'
import { measureBaselineSends } from './baseline-sends.ts'
import type { BenchDatabase } from './databases.ts'
import { type Figures, measure, measureHttp } from './load.ts'
import { SERVICE_KEY, startBaseline, startServer } from './server-process.ts'
import { type Lane, makeWorld } from './world.ts'

const CONNECTIONS = 32
const TEXT = 'How are you? See you at eight.'

export async function measureOperations(database: BenchDatabase, seconds: number): Promise<void> {
  const world = await makeWorld(database.url, CONNECTIONS)
  const load = { connections: CONNECTIONS, seconds }
  const key = { authorization: `Bearer ${SERVICE_KEY}` }
  const json = { ...key, 'content-type': 'application/json' }
  const laneAt = (lane: number): Lane => {
    const found = world.lanes[lane]
    if (!found) throw new Error('there are as many pairs as connections')
    return found
  }

  const baselineSends = await measureBaselineSends(database.url, world, load)
  const rows: [string, Figures, Figures][] = []
  {
    await using baseline = await startBaseline(database.url, world.page)
    const bare = await measureHttp(baseline.url, load, {}, () => ({ method: 'GET', path: '/page' }))
    await using server = await startServer(database.url)
    const path = `/v1/conversations/${world.pageOf.conversationId}/messages?limit=50`
    rows.push([
      'page of 50, REST',
      await measureHttp(server.url, load, key, () => ({ method: 'GET', path })),
      bare,
    ])
    const rpcInput = encodeURIComponent(
      JSON.stringify({ json: { conversationId: world.pageOf.conversationId, limit: 50 } }),
    )
    rows.push([
      'page of 50, RPC',
      await measureHttp(server.url, load, key, () => ({
        method: 'GET',
        path: `/trpc/conversations.messages?input=${rpcInput}`,
      })),
      bare,
    ])
    const client = createClient({ url: server.url, token: SERVICE_KEY })
    rows.push([
      'page of 50, SDK',
      await measure(load, () =>
        client.conversations.messages({ conversationId: world.pageOf.conversationId, limit: 50 }),
      ),
      bare,
    ])
    rows.push([
      'send, REST',
      await measureHttp(server.url, load, json, (lane) => ({
        method: 'POST',
        path: '/v1/messages',
        body: JSON.stringify({
          from: laneAt(lane).sender.username,
          to: laneAt(lane).recipient.username,
          text: TEXT,
        }),
      })),
      baselineSends,
    ])
    rows.push([
      'send, RPC',
      await measureHttp(server.url, load, json, (lane) => ({
        method: 'POST',
        path: '/trpc/messages.send',
        body: JSON.stringify(
          superjson.serialize({
            from: laneAt(lane).sender.username,
            to: laneAt(lane).recipient.username,
            text: TEXT,
          }),
        ),
      })),
      baselineSends,
    ])
    rows.push([
      'send, SDK',
      await measure(load, (lane) =>
        client.messages.send({
          from: laneAt(lane).sender.username,
          to: laneAt(lane).recipient.username,
          text: TEXT,
        }),
      ),
      baselineSends,
    ])
    console.log(
      `${database.name}: start ${Math.round(server.startMs)} ms, memory ${Math.round((await server.memory()) / 1e6)} MB`,
    )
  }
  for (const [name, figures, baseline] of rows) {
    console.log(
      `${database.name.padEnd(12)} ${name.padEnd(18)} ${Math.round(figures.perSecond).toString().padStart(7)}/s  p50 ${figures.p50.toFixed(1)}  p95 ${figures.p95.toFixed(1)}  p99 ${figures.p99.toFixed(1)} ms   baseline ${Math.round(baseline.perSecond)}/s  ratio ${(figures.perSecond / baseline.perSecond).toFixed(2)}`,
    )
  }
}
