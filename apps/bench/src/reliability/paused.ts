import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { Agent, request as send } from 'undici'
import { SERVICE_KEY, type ServerUnderTest } from './processes.ts'
import { Reader, Tally } from './reader.ts'

const USERS = 10
const STREAMS_PER_USER = 20

export interface PausedReport {
  consumers: number
  sent: number
  perSecond: number
  /** The maximum growth of the server's memory, in MB. */
  grownMB: number
  /** The server's peak memory, in MB. */
  peakMB: number
  /** Connections that the server had closed when their readers resumed. */
  cutOff: number
  gaps: number
  resyncs: number
  undelivered: number
}

/** Two hundred readers stop reading while messages are sent to all of them. */
export async function measurePaused(
  server: ServerUnderTest,
  seconds: number,
  rate: number,
): Promise<PausedReport> {
  const agent = new Agent({ connections: 24 })
  const headers = (as?: string) => ({
    authorization: `Bearer ${SERVICE_KEY}`,
    'content-type': 'application/json',
    ...(as !== undefined && { 'act-as': as }),
  })
  const post = async (path: string, body: object, as?: string) => {
    const response = await send(server.url + path, {
      dispatcher: agent,
      method: 'POST',
      headers: headers(as),
      body: JSON.stringify(body),
    })
    await response.body.dump()
    if (response.statusCode >= 300) throw new Error(`${path}: ${response.statusCode}`)
  }
  const names = Array.from({ length: USERS }, (_, i) => `reader${i}`)
  for (const username of ['sender', ...names]) await post('/v1/users', { username })
  const text = 'x'.repeat(1_500)
  async function load(forSeconds: number): Promise<number> {
    const startedAt = performance.now()
    let sent = 0
    await Promise.all(
      Array.from({ length: 24 }, async () => {
        while (performance.now() - startedAt < forSeconds * 1_000) {
          const dueMs = (sent / rate) * 1_000 - (performance.now() - startedAt)
          const name = names[sent++ % names.length] ?? ''
          if (dueMs > 0) await wait(dueMs)
          await post('/v1/messages', { to: name, text }, 'sender')
        }
      }),
    )
    return sent
  }

  // Runs the same load without readers first, so that its memory does not count as growth.
  await load(seconds)
  const storedBefore = new Map<string, number>()
  for (const name of names) storedBefore.set(name, await lastSeq(server.url, name))
  const consumers = await Promise.all(
    names.flatMap((name) =>
      Array.from({ length: STREAMS_PER_USER }, () =>
        openPaused(server.url, name, storedBefore.get(name) ?? 0),
      ),
    ),
  )
  const before = await memoryOf(server.pid)
  let peak = before
  const watching = setInterval(() => {
    void memoryOf(server.pid).then((bytes) => {
      peak = Math.max(peak, bytes)
    })
  }, 250)
  const startedAt = performance.now()
  const sent = await load(seconds)
  const tookSeconds = (performance.now() - startedAt) / 1_000
  clearInterval(watching)
  const report: PausedReport = {
    consumers: consumers.length,
    sent,
    perSecond: Math.round(sent / tookSeconds),
    grownMB: Math.round((peak - before) / 1e6),
    peakMB: Math.round(peak / 1e6),
    cutOff: 0,
    gaps: 0,
    resyncs: 0,
    undelivered: 0,
  }
  for (const [i, name] of names.entries()) {
    const own = consumers.slice(i * STREAMS_PER_USER, (i + 1) * STREAMS_PER_USER)
    const stored = (await lastSeq(server.url, name)) - (storedBefore.get(name) ?? 0)
    await Promise.all(
      own.map(async (consumer) => {
        const { tally, wasCut, cursor } = await consumer.readAll()
        if (wasCut) report.cutOff++
        const reader = new Reader(name, 'sse', [server.url], cursor, tally)
        const deadline = performance.now() + 30_000
        while (tally.messageIds.size < stored && performance.now() < deadline) await wait(20)
        await reader.stop()
        report.gaps += tally.gaps
        report.resyncs += tally.resyncs
        report.undelivered += stored - tally.messageIds.size
      }),
    )
  }
  await agent.close()
  return report
}

async function openPaused(url: string, user: string, firstAfter: number) {
  const call = request(`${url}/v1/events`, {
    agent: false,
    headers: { authorization: `Bearer ${SERVICE_KEY}`, 'act-as': user },
  })
  call.on('error', () => {})
  call.end()
  const [response] = await once(call, 'response')
  response.pause()
  return {
    async readAll() {
      const tally = new Tally(firstAfter)
      let wasCut = true
      let text = ''
      let cursor = ''
      const timeout = setTimeout(() => {
        wasCut = false
        call.destroy()
      }, 3_000)
      try {
        for await (const chunk of response.setEncoding('utf8')) {
          text += String(chunk)
          const blocks = text.split('\n\n')
          text = blocks.pop() ?? ''
          for (const block of blocks) {
            const data = /^data: (.*)$/m.exec(block)?.[1]
            if (data !== undefined) tally.add(JSON.parse(data))
            cursor = /^id: (.*)$/m.exec(block)?.[1] ?? cursor
          }
        }
      } catch {
        // The connection was closed in the middle of a block.
      }
      clearTimeout(timeout)
      return { tally, wasCut, cursor }
    },
  }
}

async function lastSeq(url: string, name: string): Promise<number> {
  const response = await send(`${url}/v1/direct/${name}`, {
    headers: { authorization: `Bearer ${SERVICE_KEY}`, 'act-as': 'sender' },
  })
  return ((await response.body.json()) as { lastSeq: number }).lastSeq
}

async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
}
