import { setTimeout as wait } from 'node:timers/promises'
import { callUntilDone } from '../../apps/bench/src/reliability/calls.ts'
import { type Load, makeLoad, type Report } from '../../apps/bench/src/reliability/load.ts'

const READERS = 8
/** A second, so that a machine that does all of it by itself has time left for containers that come and go. */
const SENDS = 150
const READ_LANES = 4
const READ_EVERY_MS = 50

/** Sends and reads that go on while other things happen. */
export interface Traffic {
  /** Requests that failed since this was last asked, and why, most frequent first. All of them were tried again. */
  takeFailures(): string[]
  /** How many requests were answered well since this was last asked. */
  takeAnswered(): number
  /** Ends it, and looks through what was stored and what was read. */
  finish(): Promise<Report>
}

/** Senders, readers of lists, and readers of streams (Server-Sent Events and WebSocket), all at this address. */
export async function startTraffic(url: string): Promise<Traffic> {
  const load: Load = await makeLoad([url], READERS)
  let isOver = false
  let failures: string[] = []
  let reads = 0
  let told = 0
  const onFailure = (reason: string) => failures.push(reason)
  const sent = () => [...load.acknowledged.values()].reduce((sum, ids) => sum + ids.length, 0)

  const sending = load.send({ count: Number.POSITIVE_INFINITY, isOver: () => isOver, rate: SENDS, onFailure })
  const reading = Array.from({ length: READ_LANES }, async (_, lane) => {
    while (!isOver) {
      await callUntilDone([url], `/v1/direct/reader${lane}/messages`, 'sender', undefined, { onFailure })
      reads++
      await wait(READ_EVERY_MS)
    }
  })

  return {
    takeFailures() {
      const counted = Map.groupBy(failures, (reason) => reason)
      failures = []
      return [...counted]
        .toSorted(([, some], [, others]) => others.length - some.length)
        .map(([reason, same]) => `${same.length} x ${reason}`)
    },
    takeAnswered() {
      const before = told
      told = reads + sent()
      return told - before
    },
    async finish() {
      isOver = true
      await Promise.all([sending, ...reading])
      return load.finish()
    },
  }
}
