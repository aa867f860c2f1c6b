import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

const root = path.join(import.meta.dirname, '../../../../..')
/** `sotto`, which fails when it has logged what is confidential. */
const program = [
  '--import',
  path.join(root, 'scripts/child-logs.ts'),
  path.join(root, 'apps/server/src/main.ts'),
]

export interface Finished {
  code: number | null
  stdout: string
  stderr: string
}

/** What a process gets: nothing of the settings of whoever runs the tests. */
function environment(settings: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: process.env.HOME, ...settings }
}

/** Starts `sotto …` as a process of its own, whose input and output are the test's. */
export function spawnSotto(
  args: readonly string[],
  settings: NodeJS.ProcessEnv = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [...program, ...args], { env: environment(settings) })
}

/** Runs `sotto …` as a process of its own until it ends. */
export async function sotto(
  args: readonly string[],
  settings: NodeJS.ProcessEnv = {},
  input = '',
): Promise<Finished> {
  const child = spawnSotto(args, settings)
  const output = gather(child)
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code, stdout: output.stdout, stderr: output.stderr }
}

/** Runs it on a terminal of its own, typing each answer when its question is there. Shows what the terminal does. */
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
  const output = gather(child)
  let seen = 0
  for (const [question, answer] of answers) {
    await untilPrinted(child, () => output.stdout.indexOf(question, seen) >= 0)
    seen = output.stdout.indexOf(question, seen) + question.length
    child.stdin.write(`${answer}\r`)
  }
  const [code] = await once(child, 'close')
  return { code, screen: output.stdout }
}

export interface RunningServer extends AsyncDisposable {
  readonly child: ChildProcess
  readonly url: string
  /** What it has printed so far. */
  readonly output: { stdout: string; stderr: string }
  /** Sends a signal, and waits for the end. @returns the exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts a server on a free port, and waits until it listens. */
export async function startServer(settings: NodeJS.ProcessEnv): Promise<RunningServer> {
  const child = spawnSotto(['start'], { PORT: '0', ...settings })
  const output = gather(child)
  const closed = once(child, 'close')
  await untilPrinted(child, () => output.stdout.includes('"listening"'))
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

function gather(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output.stdout += chunk
  })
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    output.stderr += chunk
  })
  return output
}

/** Waits for output that makes this true; the process must not end before. */
async function untilPrinted(child: ChildProcess, isThere: () => boolean): Promise<void> {
  while (!isThere()) {
    const ended = await Promise.race([
      once(child, 'close').then(() => true),
      once(child.stdout ?? child, 'data').then(() => false),
    ])
    if (ended && !isThere()) throw new Error('the process ended before it printed what was waited for')
  }
}
