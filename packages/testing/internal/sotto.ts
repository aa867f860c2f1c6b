import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { run } from '@sotto/server/cli'

const root = path.join(import.meta.dirname, '../../..')
/** `sotto`, which fails if it has logged anything confidential. */
const program = [
  '--import',
  path.join(root, 'scripts/child-logs.ts'),
  path.join(root, 'apps/server/src/main.ts'),
]

export interface FinishedCommand {
  code: number | null
  stdout: string
  stderr: string
}

/** Nothing else of this process's environment, which may have settings of a server. */
function environment(settings: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: process.env.HOME, ...settings }
}

/** Starts `sotto …` as a child process. */
export function spawnSotto(
  args: readonly string[],
  settings: NodeJS.ProcessEnv = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [...program, ...args], { env: environment(settings) })
}

/** Runs `sotto …` in this process, which is many times faster than a process of its own. */
export async function sotto(
  args: readonly string[],
  settings: NodeJS.ProcessEnv = {},
  input = '',
): Promise<FinishedCommand> {
  const stdin = Readable.from([Buffer.from(input)], { objectMode: false })
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const texts = Promise.all([text(stdout), text(stderr)])
  const code = await run(args, { env: environment(settings), stdin, stdout, stderr })
  stdout.end()
  stderr.end()
  const [printed, reported] = await texts
  return { code, stdout: printed, stderr: reported }
}

/** Runs `sotto …` as a child process until it ends. */
export async function sottoProcess(
  args: readonly string[],
  settings: NodeJS.ProcessEnv = {},
  input = '',
): Promise<FinishedCommand> {
  const child = spawnSotto(args, settings)
  const output = outputOf(child)
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code, stdout: output.stdout, stderr: output.stderr }
}

/** Runs `sotto …` on a terminal, and types each answer when its question has appeared. */
export async function sottoOnTerminal(
  args: readonly string[],
  settings: NodeJS.ProcessEnv,
  answers: readonly (readonly [question: string, answer: string])[] = [],
): Promise<{ code: number | null; screen: string }> {
  const command = [process.execPath, ...program, ...args]
  const scriptArgs =
    process.platform === 'darwin'
      ? ['-q', '/dev/null', ...command]
      : ['-qec', command.map((word) => `'${word}'`).join(' '), '/dev/null']
  const child = spawn('/usr/bin/script', scriptArgs, { env: environment(settings) })
  const output = outputOf(child)
  let seen = 0
  for (const [question, answer] of answers) {
    await untilPrinted(child, output, () => output.stdout.indexOf(question, seen) >= 0)
    seen = output.stdout.indexOf(question, seen) + question.length
    child.stdin.write(`${answer}\r`)
  }
  const [code] = await once(child, 'close')
  return { code, screen: output.stdout }
}

interface Output {
  stdout: string
  stderr: string
}

/** `sotto start` in a process of its own. */
export interface ServerProcess extends AsyncDisposable {
  readonly child: ChildProcess
  readonly url: string
  /** What it has printed so far. */
  readonly output: Readonly<Output>
  /** Sends a signal, and waits for the end. @returns the exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts a server, in memory and on a free port by default, and waits until it listens. */
export async function spawnServer(settings: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
  const child = spawnSotto(['start'], { PORT: '0', DATABASE_URL: 'file::memory:', ...settings })
  const output = outputOf(child)
  const closed = once(child, 'close')
  await untilPrinted(child, output, () => output.stdout.includes('"listening"'))
  const line = output.stdout.split('\n').find((one) => one.includes('"listening"')) ?? '{}'
  const { url } = JSON.parse(line) as { url: string }

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    child.kill(signal)
    const [code] = await closed
    return code
  }
  return {
    child,
    url,
    output,
    stop,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await stop('SIGKILL')
    },
  }
}

function outputOf(child: ChildProcess): Output {
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output.stdout += chunk
  })
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    output.stderr += chunk
  })
  return output
}

/** Waits for output that meets the condition; the process must not end before. */
async function untilPrinted(
  child: ChildProcess,
  output: Readonly<Output>,
  isThere: () => boolean,
): Promise<void> {
  while (!isThere()) {
    const ended = await Promise.race([
      once(child, 'close').then(() => true),
      once(child.stdout ?? child, 'data').then(() => false),
    ])
    if (ended && !isThere()) {
      throw new Error(`the process ended too early:\n${output.stdout}${output.stderr}`)
    }
  }
}
