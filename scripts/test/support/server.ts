import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

export interface RunningServer extends AsyncDisposable {
  url: string
  /** What its start has printed for the first account. */
  setupToken: string
}

const main = path.join(import.meta.dirname, '../../../apps/server/src/main.ts')

/** `pnpm start` in a process of its own, on a free port, with its data in memory. */
export async function startServer(settings: Record<string, string>): Promise<RunningServer> {
  const child = spawn(process.execPath, [main, 'start'], {
    env: { PORT: '0', DATABASE_URL: 'file::memory:', ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const { promise: url, resolve, reject } = Promise.withResolvers<string>()
  const lines = createInterface(child.stdout)
  const output: string[] = []
  lines.on('line', (line) => {
    output.push(line)
    const listening = /"url":"([^"]+)".*"msg":"listening"/.exec(line)
    if (listening?.[1]) resolve(listening[1])
  })
  lines.once('close', () => reject(new Error(`the server did not start:\n${output.join('\n')}`)))
  const listeningAt = await url
  return {
    url: listeningAt,
    setupToken: /welcome#(\S+)/.exec(output.join('\n'))?.[1] ?? '',
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await exited
    },
  }
}
