import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { freePort } from '@sotto/testing/internal'

export interface ServerProcess extends AsyncDisposable {
  url: string
  /** Bytes that the process holds in memory. */
  memory(): Promise<number>
  /** From spawn to ready, in milliseconds. */
  startMs: number
}

/** A statement as the server ran it. */
export interface Statement {
  sql: string
  parameters: readonly unknown[]
}

export const SERVICE_KEY = 'sk_bench_00000000000000000000000000000000'

/** The server's command line. */
export const serverMain = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@sotto/server')),
  'main.ts',
)

/** The real server in a process of its own. */
export function startServer(
  databaseUrl: string,
  nodeOptions: readonly string[] = [],
  port?: string,
): Promise<ServerProcess> {
  const env = {
    DATABASE_URL: databaseUrl,
    SOTTO_SERVICE_KEY: SERVICE_KEY,
    LOG_LEVEL: 'info',
    // A benchmark logs in more often than people do.
    SOTTO_LIMIT_LOGINS: 'off',
  }
  return startProcess([...nodeOptions, serverMain, 'start'], '/readyz', env, port)
}

/** The bare Fastify that serves the page's statement and nothing else. */
export function startBaseline(databaseUrl: string, statement: Statement): Promise<ServerProcess> {
  return startProcess([path.join(import.meta.dirname, 'baseline-server.ts')], '/healthz', {
    DATABASE_URL: databaseUrl,
    STATEMENT: JSON.stringify(statement),
  })
}

async function startProcess(
  args: readonly string[],
  readyPath: string,
  env: Record<string, string>,
  wantedPort?: string,
): Promise<ServerProcess> {
  const port = wantedPort ?? (await freePort())
  const before = performance.now()
  const child = spawn(process.execPath, args, {
    // Its log goes where a log goes; nobody reads it here.
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...env, PORT: String(port), HOST: '127.0.0.1' },
  })
  const url = `http://127.0.0.1:${port}`
  await untilReady(child, url + readyPath)
  return {
    url,
    startMs: performance.now() - before,
    memory: () => residentMemory(child),
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`)
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok) return
    await setTimeout(5)
  }
}

async function residentMemory(child: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
}
