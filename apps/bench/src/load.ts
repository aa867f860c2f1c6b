import { Pool } from 'undici'

export interface Call {
  method: 'GET' | 'POST'
  path: string
  body?: string
  /** Besides those of the connection. */
  headers?: Record<string, string>
}

export interface Load {
  /** How many calls are under way at once. */
  lanes: number
  seconds: number
}

/** What a load did: each call's milliseconds, and how long all of it took. */
export interface Run {
  latencies: number[]
  seconds: number
}

export interface Figures {
  perSecond: number
  /** Milliseconds. */
  p50: number
  p95: number
  p99: number
}

/** Calls one after the other on each lane until the time is over. */
export async function drive(load: Load, call: (lane: number) => Promise<unknown>): Promise<Run> {
  const latencies: number[] = []
  const begin = performance.now()
  const end = begin + load.seconds * 1_000
  await Promise.all(
    Array.from({ length: load.lanes }, async (_, lane) => {
      for (;;) {
        const before = performance.now()
        if (before >= end) return
        await call(lane)
        latencies.push(performance.now() - before)
      }
    }),
  )
  return { latencies, seconds: (performance.now() - begin) / 1_000 }
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

/** Kept connections to one server. A status other than 2xx throws. */
export function httpClient(url: string, connections: number, headers: Record<string, string>): HttpClient {
  const pool = new Pool(url, { connections, pipelining: 1 })
  return {
    async call({ method, path, body, headers: own }) {
      const answer = await pool.request({ method, path, headers: { ...headers, ...own }, body: body ?? null })
      const text = await answer.body.text()
      if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
    },
    [Symbol.asyncDispose]: () => pool.close(),
  }
}
