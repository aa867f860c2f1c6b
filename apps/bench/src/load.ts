import { Pool } from 'undici'

export interface Call {
  method: 'GET' | 'POST'
  path: string
  body?: string
}

export interface Figures {
  perSecond: number
  /** Milliseconds. */
  p50: number
  p95: number
  p99: number
}

export interface Load {
  connections: number
  seconds: number
  warmUpSeconds?: number
}

/** Calls one after the other on each of so many lanes; what comes before the warm-up's end is not counted. */
export async function measure(
  load: Load,
  call: (lane: number, turn: number) => Promise<unknown>,
): Promise<Figures> {
  const warmUpMs = (load.warmUpSeconds ?? 1) * 1_000
  const begin = performance.now()
  const countFrom = begin + warmUpMs
  const end = countFrom + load.seconds * 1_000
  const latencies: number[] = []
  await Promise.all(
    Array.from({ length: load.connections }, async (_, lane) => {
      for (let turn = 0; ; turn++) {
        const before = performance.now()
        if (before >= end) return
        await call(lane, turn)
        const after = performance.now()
        if (before >= countFrom && after <= end) latencies.push(after - before)
      }
    }),
  )
  latencies.sort((a, b) => a - b)
  return {
    perSecond: latencies.length / load.seconds,
    p50: quantile(latencies, 0.5),
    p95: quantile(latencies, 0.95),
    p99: quantile(latencies, 0.99),
  }
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

/** A load over HTTP with kept connections. A status other than 2xx ends it. */
export async function measureHttp(
  url: string,
  load: Load,
  headers: Record<string, string>,
  next: (lane: number, turn: number) => Call,
): Promise<Figures> {
  const pool = new Pool(url, { connections: load.connections, pipelining: 1 })
  try {
    return await measure(load, async (lane, turn) => {
      const { method, path, body } = next(lane, turn)
      const answer = await pool.request({ method, path, headers, body: body ?? null })
      const text = await answer.body.text()
      if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
    })
  } finally {
    await pool.close()
  }
}
