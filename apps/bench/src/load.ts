import { Pool } from 'undici'

export interface Call {
  method: 'GET' | 'POST'
  path: string
  body?: string
  /** Added to those of the client. */
  headers?: Record<string, string>
}

export interface Load {
  /** The number of concurrent calls. */
  concurrency: number
  seconds: number
}

/** The result of a load: the latency of each call in milliseconds, and the total duration. */
export interface Run {
  latencies: number[]
  seconds: number
}

export interface Figures {
  perSecond: number
  /** Latencies are in milliseconds. */
  p50: number
  p95: number
  p99: number
}

/** Makes calls with the given concurrency until the time is up. */
export async function drive(load: Load, call: (index: number) => Promise<unknown>): Promise<Run> {
  const latencies: number[] = []
  const begin = performance.now()
  const end = begin + load.seconds * 1_000
  await Promise.all(
    Array.from({ length: load.concurrency }, async (_, index) => {
      for (;;) {
        const before = performance.now()
        if (before >= end) return
        await call(index)
        latencies.push(performance.now() - before)
      }
    }),
  )
  return { latencies, seconds: (performance.now() - begin) / 1_000 }
}

/** How often the schedule of `pace` is looked at. */
const TICK_MS = 2

/**
 * Starts calls on a schedule, whether or not earlier ones have ended. Resolves once all have been started.
 *
 * @param start receives the number of the call, and the time at which it was due
 */
export function pace(
  perSecond: number,
  seconds: number,
  start: (index: number, dueAt: number) => void,
): Promise<void> {
  const total = Math.round(perSecond * seconds)
  const begin = performance.now()
  let started = 0
  return new Promise((resolve) => {
    const tick = () => {
      const elapsed = (performance.now() - begin) / 1_000
      const due = Math.min(total, Math.floor(elapsed * perSecond) + 1)
      for (; started < due; started++) start(started, begin + (started / perSecond) * 1_000)
      if (started < total) setTimeout(tick, TICK_MS)
      else resolve()
    }
    tick()
  })
}

export function figuresOf(runs: readonly Run[]): Figures {
  const latencies = runs.flatMap((run) => run.latencies).sort((a, b) => a - b)
  return {
    perSecond: median(runs.map(perSecondOf)),
    p50: quantile(latencies, 0.5),
    p95: quantile(latencies, 0.95),
    p99: quantile(latencies, 0.99),
  }
}

export function perSecondOf(run: Run): number {
  return run.latencies.length / run.seconds
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  )
}

export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

export interface HttpClient extends AsyncDisposable {
  call(call: Call): Promise<void>
}

/** Persistent connections to one server. Throws if the status is not 2xx. */
export function httpClient(url: string, connections: number, headers: Record<string, string>): HttpClient {
  const pool = new Pool(url, { connections, pipelining: 1 })
  return {
    async call({ method, path, body, headers: own }) {
      const response = await pool.request({
        method,
        path,
        headers: { ...headers, ...own },
        body: body ?? null,
      })
      const text = await response.body.text()
      if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`)
    },
    [Symbol.asyncDispose]: () => pool.close(),
  }
}
