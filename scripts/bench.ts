import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { startPostgres } from './postgres.ts'

// `pnpm bench`: runs the benchmarks with a PostgreSQL server for them. Passes its arguments on.

const postgres = process.env.SOTTO_BENCH_POSTGRES_URL ? undefined : await startPostgres('durable')
const main = path.join(import.meta.dirname, '../apps/bench/src/main.ts')
const child = spawn(process.execPath, [main, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { SOTTO_BENCH_POSTGRES_URL: postgres?.url, ...process.env },
})
const [code] = await once(child, 'exit')
await postgres?.stop()
process.exitCode = code ?? 1
