import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

/*
 * Asks a server whether it lives until it is told to stop, from a thread of its own: what makes the attack's thread
 * wait is no fault of the server.
 */

export interface ProbeTarget {
  url: string
  pid: number
}

export interface ProbeReport {
  /** The longest answer, in milliseconds; infinite when there was none. */
  worstMs: number
  /** The most memory that the server held, in MB. */
  peakMB: number
}

const PROBE_EVERY_MS = 50
const GIVE_UP_MS = 10_000

const { url, pid } = workerData as ProbeTarget
const report: ProbeReport = { worstMs: 0, peakMB: 0 }
let isOver = false
parentPort?.once('message', () => {
  isOver = true
})
while (!isOver) {
  const began = performance.now()
  const isAlive = await asksHealth()
  report.worstMs = Math.max(report.worstMs, isAlive ? performance.now() - began : Number.POSITIVE_INFINITY)
  report.peakMB = Math.max(report.peakMB, await memoryMB())
  await wait(PROBE_EVERY_MS)
}
parentPort?.postMessage(report)

/** On a connection of its own each time: one that is kept would not see that none is taken any more. */
function asksHealth(): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(`${url}/healthz`, { agent: false, timeout: GIVE_UP_MS }, (answer) => {
      answer.resume()
      answer.once('end', () => resolve(answer.statusCode === 200))
    })
    asked.once('timeout', () => asked.destroy())
    asked.once('error', () => resolve(false))
    asked.end()
  })
}

async function memoryMB(): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1_024
}
