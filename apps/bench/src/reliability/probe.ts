import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

/*
 * Checks the health of a server until it receives a stop message. Runs in its own thread, so that delays in the attack's thread do
 * not count against the server.
 */

export interface ProbeTarget {
  url: string
  pid: number
}

export interface ProbeReport {
  /** The longest response time, in milliseconds. Infinite if there was no response. */
  worstMs: number
  /** The server's peak memory, in MB. */
  peakMB: number
}

const PROBE_INTERVAL_MS = 50
const TIMEOUT_MS = 10_000

const { url, pid } = workerData as ProbeTarget
const report: ProbeReport = { worstMs: 0, peakMB: 0 }
let isOver = false
parentPort?.once('message', () => {
  isOver = true
})
while (!isOver) {
  const startedAt = performance.now()
  const isAlive = await checkHealth()
  report.worstMs = Math.max(
    report.worstMs,
    isAlive ? performance.now() - startedAt : Number.POSITIVE_INFINITY,
  )
  report.peakMB = Math.max(report.peakMB, await memoryMB())
  await wait(PROBE_INTERVAL_MS)
}
parentPort?.postMessage(report)

/** Uses a new connection each time: a kept connection would not reveal that the server accepts no new ones. */
function checkHealth(): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(`${url}/healthz`, { agent: false, timeout: TIMEOUT_MS }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode === 200))
    })
    call.once('timeout', () => call.destroy())
    call.once('error', () => resolve(false))
    call.end()
  })
}

async function memoryMB(): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1_024
}
