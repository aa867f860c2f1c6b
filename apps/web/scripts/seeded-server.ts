import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createClient, type SottoClient } from '@sotto/sdk'

const program = path.join(import.meta.dirname, '../../server/src/main.ts')
const KEY = 'sk_of-a-script-and-of-nothing-else'

/** A server on a database of its own, gone with it. */
export interface SeededServer extends AsyncDisposable {
  readonly url: string
  /** With a service key. */
  readonly sotto: SottoClient
}

/** Starts a server on a free port, with the people of `sotto seed` in it, who have no passwords yet. */
export async function startSeededServer(): Promise<SeededServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sotto-web-'))
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: `file:${path.join(folder, 'sotto.db')}`,
    PORT: '0',
    SOTTO_SERVICE_KEY: KEY,
  }
  const seeding = spawn(process.execPath, [program, 'seed'], { env, stdio: 'ignore' })
  const [code] = await once(seeding, 'close')
  if (code !== 0) throw new Error('the database cannot be seeded')
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
  let printed = ''
  for await (const part of stdout ?? []) {
    printed += part
    const [, url] = /"url":"([^"]+)"[^\n]*"listening"/.exec(printed) ?? []
    if (url !== undefined) {
      // Nobody reads the rest, which must not hold it up.
      stdout?.resume()
      return url
    }
  }
  throw new Error(`the server ended: ${printed}`)
}
