import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { freePort } from '@sotto/testing/internal'

export interface ServerProcess extends AsyncDisposable {
  url: string
  pid: number
  /** The memory of the process, in bytes. */
  memory(): Promise<number>
  /** The time from spawn to ready, in milliseconds. */
  startMs: number
}

/** A statement as run by the server. */
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

/** Starts the real server in a child process. */
export function startServer(
  databaseUrl: string,
  nodeOptions: readonly string[] = [],
  port?: string,
  settings: Record<string, string> = {},
): Promise<ServerProcess> {
  const env = {
    DATABASE_URL: databaseUrl,
    SOTTO_SERVICE_KEY: SERVICE_KEY,
    LOG_LEVEL: 'info',
    // A benchmark signs in more often than users do.
    SOTTO_LIMIT_LOGINS: 'off',
    ...settings,
  }
  return startProcess([...nodeOptions, serverMain, 'start'], '/readyz', env, port)
}

/** Starts a plain Fastify server that only serves the page's statement. */
export function startBaseline(databaseUrl: string, statement: Statement): Promise<ServerProcess> {
  return startProcess([path.join(import.meta.dirname, 'baseline-server.ts')], '/healthz', {
    DATABASE_URL: databaseUrl,
    STATEMENT: JSON.stringify(statement),
  })
}

/**
 * Starts a Node.js program in a child process.
 *
 * @param readyPath answers with 2xx once the server is ready
 */
export async function startProcess(
  args: readonly string[],
  readyPath: string,
  env: Record<string, string> = {},
  wantedPort?: string,
): Promise<ServerProcess> {
  const port = wantedPort ?? (await freePort())
  const before = performance.now()
  const child = spawn(process.execPath, args, {
    // The server still writes its log, but it is discarded.
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...env, PORT: String(port), HOST: '127.0.0.1' },
  })
  const url = `http://127.0.0.1:${port}`
  await untilReady(child, url + readyPath)
  if (child.pid === undefined) throw new Error(`${child.spawnargs.join(' ')} did not start`)
  return {
    url,
    pid: child.pid,
    startMs: performance.now() - before,
    memory: () => residentMemory(child),
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} exited with ${child.exitCode}`)
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) return
    await setTimeout(5)
  }
}

async function residentMemory(child: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
}
