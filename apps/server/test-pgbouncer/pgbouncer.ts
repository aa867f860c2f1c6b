import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePort } from '@sotto/testing/internal'

export interface Pgbouncer extends AsyncDisposable {
  /** The URL of the same database through the pooler. */
  through(url: string): string
}

/** The number of sessions that all clients share. */
export const POOL_SIZE = 3

/** Starts PgBouncer in transaction mode for the PostgreSQL and role of this URL. */
export async function startPgbouncer(postgres: string): Promise<Pgbouncer> {
  const { hostname, port: postgresPort, username } = new URL(postgres)
  const port = await freePort()
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-pgbouncer-'))
  // PgBouncer refuses to run as root, so it runs as the user nobody, who must be able to read this.
  await chmod(directory, 0o755)
  const users = path.join(directory, 'users.txt')
  const file = path.join(directory, 'pgbouncer.ini')
  await writeFile(users, `"${username}" ""\n`)
  await writeFile(
    file,
    `[databases]
* = host=${hostname} port=${postgresPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${POOL_SIZE}
max_client_conn = 100
`,
  )
  const child = spawn('pgbouncer', [file], {
    // Debian installs it in a directory that may not be in PATH.
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(process.getuid?.() === 0 && { uid: idOf('-u'), gid: idOf('-g') }),
  })
  const gone = once(child, 'exit')
  let log = ''
  const listening = new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (log.includes('process up')) resolve()
    })
  })
  await Promise.race([
    listening,
    once(child, 'error').then(([error]) => {
      throw new Error('cannot start pgbouncer: `apt-get install pgbouncer` installs it', { cause: error })
    }),
    gone.then(([code]) => {
      throw new Error(`pgbouncer exited with ${code}: ${log}`)
    }),
  ])
  return {
    through(url) {
      const pooled = new URL(url)
      pooled.host = `127.0.0.1:${port}`
      return pooled.href
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await gone
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
}
