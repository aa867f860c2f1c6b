import { randomUUID } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { listen } from '@sotto/testing/internal'
import { quantile } from '../load.ts'
import { callUntilDone } from './calls.ts'
import type { ServerUnderTest } from './processes.ts'

/** The settings of a measured server: its receivers are on this machine, and only one of its addresses is allowed. */
export const webhookSettings = {
  SOTTO_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
  SOTTO_SECRET: 'a secret of at least thirty-two characters',
}
/** Also a loopback address, but not allowed. */
const INSIDE = '127.0.0.2'
/** The number of concurrent sends. */
const CONCURRENCY = 16
const KILLS = 3
/** How long to wait for the last deliveries, in milliseconds. */
const TIMEOUT_MS = 120_000

export interface WebhooksReport {
  sent: number
  /** Latencies of sends, in milliseconds: without webhooks, and with all of them. */
  sendP50: [without: number, withWebhooks: number]
  sendP99: [without: number, withWebhooks: number]
  /** From the acknowledgement of a send to the request at the working receiver, in milliseconds. */
  delayP50: number
  delayP99: number
  /** Acknowledged, but never delivered to the working receiver. */
  missing: number
  /** Delivered to it more than once, around kills of the server. */
  repeated: number
  /** Requests to the failing receiver and to the one that redirects to an internal address. */
  failing: number
  redirecting: number
  /** The maximum number of concurrent requests at the receiver that never responds. */
  hanging: number
  /** Requests that reached the internal address. */
  inside: number
}

/**
 * Sends messages while one receiver works, one fails, one never responds, one redirects to an internal address and one
 * is unreachable. Then sends again while the server is killed a few times.
 */
export async function measureWebhooks(
  server: ServerUnderTest,
  seconds: number,
  rate: number,
): Promise<WebhooksReport> {
  await using stack = new AsyncDisposableStack()
  const call = (path: string, as?: string, body?: object) => callUntilDone([server.url], path, as, body)
  for (const username of ['alice', 'bob']) await call('/v1/users', undefined, { username })

  const acknowledgedAt = new Map<string, number>()
  async function send(forSeconds: number): Promise<number[]> {
    const startedAt = performance.now()
    const latencies: number[] = []
    let started = 0
    await Promise.all(
      Array.from({ length: CONCURRENCY }, async () => {
        while (performance.now() - startedAt < forSeconds * 1_000) {
          const dueMs = (started++ / rate) * 1_000 - (performance.now() - startedAt)
          if (dueMs > 0) await wait(dueMs)
          const before = performance.now()
          const body = { to: 'bob', text: 'for a webhook', clientMessageId: randomUUID() }
          const { id } = (await call('/v1/messages', 'alice', body)) as { id: string }
          latencies.push(performance.now() - before)
          acknowledgedAt.set(id, performance.now())
        }
      }),
    )
    return latencies.toSorted((a, b) => a - b)
  }

  const without = await send(seconds)
  acknowledgedAt.clear()

  const deliveredAt = new Map<string, number>()
  const deliveries: string[] = []
  const good = stack.use(
    await startReceiver((response, body) => {
      const { data } = JSON.parse(body) as { data: { message: { id: string } } }
      deliveries.push(data.message.id)
      if (!deliveredAt.has(data.message.id)) deliveredAt.set(data.message.id, performance.now())
      response.writeHead(204).end()
    }),
  )
  const failing = stack.use(await startReceiver((response) => response.writeHead(500).end()))
  const hanging = stack.use(await startReceiver(() => {}))
  const inside = stack.use(await startReceiver((response) => response.writeHead(204).end(), INSIDE))
  const redirecting = stack.use(
    await startReceiver((response) => response.writeHead(307, { location: inside.url }).end()),
  )
  const unreachable = await startReceiver(() => {})
  await unreachable[Symbol.asyncDispose]()
  for (const { url } of [good, failing, hanging, redirecting, unreachable]) {
    await call('/v1/webhooks', undefined, { url, events: ['message.created'] })
  }

  const withWebhooks = await send(seconds)
  const untilAllDelivered = async () => {
    const deadline = performance.now() + TIMEOUT_MS
    while (acknowledgedAt.size > deliveredAt.size && performance.now() < deadline) await wait(50)
  }
  await untilAllDelivered()
  const delays = [...acknowledgedAt]
    .map(([id, at]) => Math.max(0, (deliveredAt.get(id) ?? Number.POSITIVE_INFINITY) - at))
    .sort((a, b) => a - b)

  const kills = (async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      await wait((seconds * 1_000) / (KILLS + 1))
      await server.kill()
      await server.start()
    }
  })()
  await send(seconds)
  await kills
  await untilAllDelivered()

  const missing = [...acknowledgedAt.keys()].filter((id) => !deliveredAt.has(id)).length
  return {
    sent: acknowledgedAt.size,
    sendP50: [quantile(without, 0.5), quantile(withWebhooks, 0.5)],
    sendP99: [quantile(without, 0.99), quantile(withWebhooks, 0.99)],
    delayP50: quantile(delays, 0.5),
    delayP99: quantile(delays, 0.99),
    missing,
    repeated: deliveries.length - deliveredAt.size,
    failing: failing.requests,
    redirecting: redirecting.requests,
    hanging: hanging.mostOpen,
    inside: inside.requests,
  }
}

async function startReceiver(respond: (response: ServerResponse, body: string) => void, host = '127.0.0.1') {
  let requests = 0
  let open = 0
  let mostOpen = 0
  const server = createServer((request, response) => {
    requests++
    mostOpen = Math.max(mostOpen, ++open)
    response.once('close', () => open--)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => respond(response, Buffer.concat(chunks).toString()))
  })
  const listening = await listen(server, host)
  return {
    ...listening,
    url: `http://${host}:${listening.port}`,
    get requests() {
      return requests
    },
    get mostOpen() {
      return mostOpen
    },
  }
}
