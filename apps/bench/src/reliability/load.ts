import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { callUntilDone } from './calls.ts'
import { Reader } from './reader.ts'

export interface Load {
  readonly readers: readonly Reader[]
  /** The ids of acknowledged messages, by reader. */
  readonly acknowledged: ReadonlyMap<string, readonly string[]>
  /**
   * Sends to the readers in turn, until `isOver` or `count` is reached. Resolves once all messages are acknowledged.
   */
  send(options: SendOptions): Promise<number>
  /** The current cursor of this reader's user. */
  cursorOf(name: string): Promise<string>
  /** Waits until the readers have received everything, stops them, and checks what they received. */
  finish(): Promise<Report>
}

interface SendOptions {
  count: number
  isOver?: () => boolean
  urls?: readonly string[]
  /** The maximum number of messages per second. Without it, as many as possible. */
  rate?: number
  /** Called for each failed attempt, which is retried. */
  onFailure?: (reason: string) => void
}

export interface Report {
  stored: number
  acknowledged: number
  /** Acknowledged but not in the database. */
  lost: number
  /** Stored but never delivered. */
  undelivered: number
  gaps: number
  duplicates: number
  resyncs: number
  repeats: number
  connects: number
}

/** The number of concurrent sends. */
const CONCURRENCY = 16

/** Creates readers with a direct conversation each, half over SSE, half over WebSocket. */
export async function makeLoad(urls: readonly string[], count: number): Promise<Load> {
  const names = Array.from({ length: count }, (_, i) => `reader${i}`)
  for (const username of ['sender', ...names]) await callUntilDone(urls, '/v1/users', undefined, { username })
  const readers: Reader[] = []
  async function cursorOf(name: string): Promise<string> {
    const { cursor } = (await callUntilDone(urls, '/v1/events/pull', name)) as { cursor: string }
    return cursor
  }
  for (const [i, name] of names.entries()) {
    const cursor = await cursorOf(name)
    const own = i % 2 === 0 ? urls : urls.toReversed()
    readers.push(new Reader(name, i % 4 < 2 ? 'sse' : 'ws', own, cursor))
  }
  const acknowledged = new Map(names.map((name) => [name, [] as string[]]))

  return {
    readers,
    acknowledged,
    cursorOf,
    async send({ count: total, isOver = () => false, urls: to = urls, rate, onFailure }) {
      let sent = 0
      const intervalMs = rate === undefined ? 0 : (CONCURRENCY / rate) * 1_000
      await Promise.all(
        Array.from({ length: CONCURRENCY }, async () => {
          while (sent < total && !isOver()) {
            const due = performance.now() + intervalMs
            const n = sent++
            const name = names[n % names.length] ?? ''
            const own = n % 2 === 0 ? to : to.toReversed()
            const body = { to: name, text: `message ${n}`, clientMessageId: randomUUID() }
            const options = { onFailure }
            const { id } = (await callUntilDone(own, '/v1/messages', 'sender', body, options)) as {
              id: string
            }
            acknowledged.get(name)?.push(id)
            if (intervalMs > 0) await wait(Math.max(0, due - performance.now()))
          }
        }),
      )
      return sent
    },
    async finish() {
      const report: Report = {
        stored: 0,
        acknowledged: 0,
        lost: 0,
        undelivered: 0,
        gaps: 0,
        duplicates: 0,
        resyncs: 0,
        repeats: 0,
        connects: 0,
      }
      for (const [i, name] of names.entries()) {
        const reader = readers[i]
        if (!reader) continue
        const stored = await listStored(urls, name)
        const { tally } = reader
        const deadline = performance.now() + 20_000
        while (tally.messageIds.size < stored.size && performance.now() < deadline) await wait(50)
        await reader.stop()
        report.stored += stored.size
        report.acknowledged += acknowledged.get(name)?.length ?? 0
        for (const id of acknowledged.get(name) ?? []) if (!stored.has(id)) report.lost++
        for (const id of stored) if (!tally.messageIds.has(id)) report.undelivered++
        report.gaps += tally.gaps
        report.duplicates += tally.duplicates
        report.resyncs += tally.resyncs
        report.repeats += tally.repeats
        report.connects += tally.connects
      }
      return report
    },
  }
}

async function listStored(urls: readonly string[], name: string): Promise<Set<string>> {
  const ids = new Set<string>()
  let cursor: string | null = ''
  while (cursor !== null) {
    const query: string = `limit=200${cursor && `&cursor=${cursor}`}`
    const page = (await callUntilDone(urls, `/v1/direct/${name}/messages?${query}`, 'sender')) as {
      items: { id: string }[]
      nextCursor: string | null
    }
    for (const { id } of page.items) ids.add(id)
    cursor = page.nextCursor
  }
  return ids
}
