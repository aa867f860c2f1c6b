import { randomUUID } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { listen } from '@sotto/testing/internal'
import { quantile } from '../load.ts'
import { callUntilDone } from './calls.ts'
import type { ServerUnderTest } from './processes.ts'

/** What a server that is measured here has to be told: its receivers are on this machine, but for one address of it. */
export const webhookSettings = {
  SOTTO_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
  SOTTO_SECRET: 'a secret of at least thirty-two characters',
}
/** Loopback as well, and not allowed. */
const INSIDE = '127.0.0.2'
/** How many sends wait for their answers at once. */
const LANES = 16
const KILLS = 3
/** How long what was sent may take to arrive in the end, in milliseconds. */
const ARRIVES_WITHIN_MS = 120_000

export interface WebhooksReport {
  sent: number
  /** Of sends, in milliseconds: before there was a webhook, and with all of them. */
  sendP50: [without: number, beside: number]
  sendP99: [without: number, beside: number]
  /** From a send's acknowledgement to the request at the receiver that is well, in milliseconds. */
  delayP50: number
  delayP99: number
  /** Acknowledged, and never told to the receiver that is well. */
  untold: number
  /** Told to it more than once, around kills of the server. */
  repeated: number
  /** Requests that the one that fails, and the one that redirects inward, have had. */
  failing: number
  redirecting: number
  /** The most that were open at once at the one that never answers. */
  hanging: number
  /** Requests that have come through to what is inside. */
  inside: number
}

/**
 * Messages while one receiver takes them, one fails, one never answers, one redirects to inside of the network, and
 * one is not there; then the server is killed a few times meanwhile.
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
    const began = performance.now()
    const latencies: number[] = []
    let begun = 0
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        while (performance.now() - began < forSeconds * 1_000) {
          const dueMs = (begun++ / rate) * 1_000 - (performance.now() - began)
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

  const toldAt = new Map<string, number>()
  const told: string[] = []
  const good = stack.use(
    await startReceiver((response, body) => {
      const { data } = JSON.parse(body) as { data: { message: { id: string } } }
      told.push(data.message.id)
      if (!toldAt.has(data.message.id)) toldAt.set(data.message.id, performance.now())
      response.writeHead(204).end()
    }),
  )
  const failing = stack.use(await startReceiver((response) => response.writeHead(500).end()))
  const hanging = stack.use(await startReceiver(() => {}))
  const inside = stack.use(await startReceiver((response) => response.writeHead(204).end(), INSIDE))
  const redirecting = stack.use(
    await startReceiver((response) => response.writeHead(307, { location: inside.url }).end()),
  )
  const gone = await startReceiver(() => {})
  await gone[Symbol.asyncDispose]()
  for (const { url } of [good, failing, hanging, redirecting, gone]) {
    await call('/v1/webhooks', undefined, { url, events: ['message.created'] })
  }

  const beside = await send(seconds)
  const untilAllTold = async () => {
    const deadline = performance.now() + ARRIVES_WITHIN_MS
    while (acknowledgedAt.size > toldAt.size && performance.now() < deadline) await wait(50)
  }
  await untilAllTold()
  const delays = [...acknowledgedAt]
    .map(([id, at]) => Math.max(0, (toldAt.get(id) ?? Number.POSITIVE_INFINITY) - at))
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
  await untilAllTold()

  const untold = [...acknowledgedAt.keys()].filter((id) => !toldAt.has(id)).length
  return {
    sent: acknowledgedAt.size,
    sendP50: [quantile(without, 0.5), quantile(beside, 0.5)],
    sendP99: [quantile(without, 0.99), quantile(beside, 0.99)],
    delayP50: quantile(delays, 0.5),
    delayP99: quantile(delays, 0.99),
    untold,
    repeated: told.length - toldAt.size,
    failing: failing.requests,
    redirecting: redirecting.requests,
    hanging: hanging.mostOpen,
    inside: inside.requests,
  }
}

async function startReceiver(answer: (response: ServerResponse, body: string) => void, host = '127.0.0.1') {
  let requests = 0
  let open = 0
  let mostOpen = 0
  const server = createServer((request, response) => {
    requests++
    mostOpen = Math.max(mostOpen, ++open)
    response.once('close', () => open--)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => answer(response, Buffer.concat(chunks).toString()))
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
