import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createClient } from '@redis/client'
import { freePort } from '@sotto/testing/internal'

export interface Redis extends AsyncDisposable {
  url: string
  kill(): Promise<void>
  /** Until `resume`, Redis keeps its connections but does not respond. */
  pause(): void
  resume(): void
  start(): Promise<void>
}

/** Starts a Redis process without persistence. */
export async function startRedis(): Promise<Redis> {
  const port = await freePort()
  let process: ChildProcess | undefined

  async function start(): Promise<void> {
    const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
      stdio: 'ignore',
    })
    process = child
    const failed = once(child, 'error').then(([error]) => {
      throw new Error('cannot start redis-server: `apt-get install redis-server` installs it', {
        cause: error,
      })
    })
    await Promise.race([waitForPort(port), failed])
  }

  async function kill(): Promise<void> {
    if (!process || process.exitCode !== null || process.signalCode !== null) return
    const gone = once(process, 'exit')
    process.kill('SIGKILL')
    await gone
  }

  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    kill,
    pause: () => void process?.kill('SIGSTOP'),
    resume: () => void process?.kill('SIGCONT'),
    [Symbol.asyncDispose]: kill,
  }
}

async function waitForPort(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20))
    } finally {
      socket.destroy()
    }
  }
}

/** All keys in Redis. */
export async function redisKeys(url: string): Promise<string[]> {
  const client = createClient({ url })
  await client.connect()
  try {
    return await client.keys('*')
  } finally {
    client.destroy()
  }
}
