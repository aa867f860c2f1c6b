import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createClient, type SottoClient } from '@sotto/sdk'

const program = path.join(import.meta.dirname, '../../server/src/main.ts')
const KEY = 'sk_web-scripts-only'

/** A server with its own temporary database, which is deleted with it. */
export interface SeededServer extends AsyncDisposable {
  readonly url: string
  /** Authenticated with a service key. */
  readonly sotto: SottoClient
}

/** Starts a server on a free port with the data of `sotto seed`, whose users have no passwords. */
export async function startSeededServer(): Promise<SeededServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sotto-web-'))
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: `file:${path.join(folder, 'sotto.db')}`,
    PORT: '0',
    SOTTO_SERVICE_KEY: KEY,
  }
  const seed = spawn(process.execPath, [program, 'seed'], { env, stdio: 'ignore' })
  const [code] = await once(seed, 'close')
  if (code !== 0) throw new Error('sotto seed failed')
  const server = spawn(process.execPath, [program, 'start'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await untilListening(server)
  return {
    url,
    sotto: createClient({ url, token: KEY }),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.kill()
      await closed
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function untilListening({ stdout }: ChildProcess): Promise<string> {
  let output = ''
  for await (const chunk of stdout ?? []) {
    output += chunk
    const [, url] = /"url":"([^"]+)"[^\n]*"listening"/.exec(output) ?? []
    if (url !== undefined) {
      // Discard further output: a full pipe would block the server.
      stdout?.resume()
      return url
    }
  }
  throw new Error(`the server exited: ${output}`)
}
