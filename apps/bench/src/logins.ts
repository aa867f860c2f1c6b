import { Pool } from 'undici'
import type { BenchDatabase } from './databases.ts'
import { figuresOf } from './load.ts'
import { SERVICE_KEY, startServer } from './server-process.ts'
import { printTable } from './table.ts'

const WARM_UP = 20
const PASSWORD = 'the right horse battery staple'
const WRONG = 'the wrong horse battery staple'

/**
 * Measures how long the server takes to reject a sign-in, by reason: the duration must not reveal whether a username
 * exists. Attempts are sequential and alternate, so that other work on the machine affects all reasons equally.
 */
export async function measureLogins(database: BenchDatabase, tries: number): Promise<void> {
  await using server = await startServer(database.url)
  const pool = new Pool(server.url, { connections: 1, pipelining: 1 })
  async function request(method: 'POST' | 'PUT', path: string, body: object): Promise<number> {
    const headers = { authorization: `Bearer ${SERVICE_KEY}`, 'content-type': 'application/json' }
    const response = await pool.request({ method, path, headers, body: JSON.stringify(body) })
    await response.body.dump()
    return response.statusCode
  }
  await request('POST', '/v1/users', { username: 'known', password: PASSWORD })
  await request('POST', '/v1/users', { username: 'passwordless' })
  await request('POST', '/v1/users', { username: 'disabled', password: PASSWORD })
  await request('PUT', '/v1/users/disabled/disabled', { disabled: true })

  const attempts = [
    { name: 'unknown user', username: 'unknown', password: WRONG },
    { name: 'wrong password', username: 'known', password: WRONG },
    { name: 'no password', username: 'passwordless', password: WRONG },
    { name: 'disabled, right password', username: 'disabled', password: PASSWORD },
  ].map((attempt) => ({ ...attempt, latencies: [] as number[] }))
  for (let round = -WARM_UP; round < tries; round++) {
    for (const { username, password, latencies } of attempts) {
      const before = performance.now()
      const status = await request('POST', '/v1/sessions', { username, password })
      if (status !== 401) throw new Error(`signing in as ${username} returned ${status}`)
      if (round >= 0) latencies.push(performance.now() - before)
    }
  }
  await pool.close()

  const rows = attempts.map(({ name, latencies }) => ({
    name,
    mean: meanOf(latencies),
    ...figures(latencies),
  }))
  const unknown = rows[0]?.p50 ?? Number.NaN
  printTable(
    [`${database.name}, ${tries} attempts each`, 'p50 ms', 'mean ms', 'p95 ms', 'p50 relative to unknown'],
    rows.map(({ name, p50, mean, p95 }) => [
      name,
      p50.toFixed(2),
      mean.toFixed(2),
      p95.toFixed(2),
      `${((p50 / unknown - 1) * 100).toFixed(1)} %`,
    ]),
  )
}

function figures(latencies: readonly number[]) {
  return figuresOf([{ latencies: [...latencies], seconds: 1 }])
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
