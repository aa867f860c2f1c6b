import { setTimeout as wait } from 'node:timers/promises'
import { callUntilDone } from '../../apps/bench/src/reliability/calls.ts'
import { type Load, makeLoad, type Report } from '../../apps/bench/src/reliability/load.ts'

const READERS = 8
/** Per second. Leaves a machine that runs everything enough time for containers that start and stop. */
const SENDS = 150
const LIST_READERS = 4
const READ_INTERVAL_MS = 50

/** Sends and reads that run in the background. */
export interface Traffic {
  /** The failed requests since the last call, by reason, most frequent first. All of them were retried. */
  takeFailures(): string[]
  /** The number of successful requests since the last call. */
  takeSuccesses(): number
  /** Stops, and checks what was stored and what was read. */
  finish(): Promise<Report>
}

/** Starts senders, readers of lists, and readers of streams (Server-Sent Events and WebSocket) at this address. */
export async function startTraffic(url: string): Promise<Traffic> {
  const load: Load = await makeLoad([url], READERS)
  let isOver = false
  let failures: string[] = []
  let reads = 0
  let reported = 0
  const onFailure = (reason: string) => failures.push(reason)
  const sent = () => [...load.acknowledged.values()].reduce((sum, ids) => sum + ids.length, 0)

  const sending = load.send({ count: Number.POSITIVE_INFINITY, isOver: () => isOver, rate: SENDS, onFailure })
  const reading = Array.from({ length: LIST_READERS }, async (_, index) => {
    while (!isOver) {
      await callUntilDone([url], `/v1/direct/reader${index}/messages`, 'sender', undefined, { onFailure })
      reads++
      await wait(READ_INTERVAL_MS)
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
    takeSuccesses() {
      const before = reported
      reported = reads + sent()
      return reported - before
    },
    async finish() {
      isOver = true
      await Promise.all([sending, ...reading])
      return load.finish()
    },
  }
}
