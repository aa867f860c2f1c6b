import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const main = path.join(import.meta.dirname, '../../../../apps/server/src/main.ts')
const START_TIMEOUT_MS = 20_000

export interface RunningServer extends AsyncDisposable {
  url: string
  port: number
  serviceKey: string
  /** Resolves when it has ended. */
  stop(signal: NodeJS.Signals): Promise<void>
}

interface Place {
  /** Where it keeps its data; in memory when left out. */
  databaseUrl?: string
  /** One that is free when left out. */
  port?: number
}

/** The real server in a process of its own. */
export async function startServer({
  databaseUrl = 'file::memory:',
  ...place
}: Place = {}): Promise<RunningServer> {
  const port = place.port ?? (await freePort())
  const url = `http://127.0.0.1:${port}`
  const serviceKey = `sk_${'sdk-test-'.repeat(5)}`
  const env = {
    PATH: process.env.PATH,
    PORT: String(port),
    SOTTO_SERVICE_KEY: serviceKey,
    DATABASE_URL: databaseUrl,
  }
  const child = spawn(process.execPath, [main, 'start'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(String(chunk)))

  const end = Date.now() + START_TIMEOUT_MS
  while (!(await isReady(url))) {
    if (child.exitCode !== null || Date.now() > end) {
      child.kill('SIGKILL')
      throw new Error(`the server did not start:\n${output.join('')}`)
    }
    await sleep(50)
  }
  async function stop(signal: NodeJS.Signals): Promise<void> {
    child.kill(signal)
    await exited
  }
  return { url, port, serviceKey, stop, [Symbol.asyncDispose]: () => stop('SIGTERM') }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
