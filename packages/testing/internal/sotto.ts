import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { createServer, memoryLogger, readConfig, type Server } from '@sotto/server'
import { run } from '@sotto/server/cli'

const root = path.join(import.meta.dirname, '../../..')
/** Runs `sotto`, and fails if it logs anything confidential. */
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

/** Leaves out the rest of this process's environment, which may contain server settings. */
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

/** Runs `sotto …` in this process, which is much faster than a child process. */
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

/** Runs `sotto …` on a terminal, and types each answer once its question has appeared. */
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
  const closed = once(child, 'close')
  let seen = 0
  for (const [question, answer] of answers) {
    await untilPrinted(closed, child.stdout, output, () => output.stdout.indexOf(question, seen) >= 0)
    seen = output.stdout.indexOf(question, seen) + question.length
    child.stdin.write(`${answer}\r`)
  }
  const [code] = await closed
  return { code, screen: output.stdout }
}

interface Output {
  stdout: string
  stderr: string
}

/** `sotto start`. */
export interface StartedServer extends AsyncDisposable {
  readonly url: string
  /** Its output so far. */
  readonly output: Readonly<Output>
  /** Stops the server, by default with SIGTERM. @returns the exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** `sotto start` in a child process. */
export interface ServerProcess extends StartedServer {
  readonly child: ChildProcess
}

/** Starts a server, in memory and on a free port by default, and waits until it listens. */
export async function spawnServer(settings: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
  const child = spawnSotto(['start'], { PORT: '0', DATABASE_URL: 'file::memory:', ...settings })
  const output = outputOf(child)
  const closed = once(child, 'close')
  await untilPrinted(closed, child.stdout, output, () => output.stdout.includes('"listening"'))
  const url = urlIn(output)

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

/**
 * Runs `sotto start` in this process, which takes a tenth of the CPU time of `spawnServer`. For tests of what it prints,
 * but not of signals and of the end of the process.
 */
export async function startSotto(settings: NodeJS.ProcessEnv = {}): Promise<StartedServer> {
  const output = { stdout: '', stderr: '' }
  const { promise: stopSignal, resolve: signal } = Promise.withResolvers<string>()
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  collect(output, stdout, stderr)
  const env = environment({ PORT: '0', DATABASE_URL: 'file::memory:', ...settings })
  const closed = run(['start'], { env, stdin: Readable.from([]), stdout, stderr, stopSignal }).finally(() => {
    stdout.end()
    stderr.end()
  })
  await untilPrinted(finished(stdout), stdout, output, () => output.stdout.includes('"listening"'))

  async function stop(name: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    signal(name)
    const [code] = await Promise.all([closed, finished(stdout), finished(stderr)])
    return code
  }
  return {
    url: urlIn(output),
    output,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

function urlIn({ stdout }: Output): string {
  const line = stdout.split('\n').find((printed) => printed.includes('"listening"')) ?? '{}'
  return (JSON.parse(line) as { url: string }).url
}

/** A server in this process. */
export interface ServerHere extends AsyncDisposable, Pick<Server, 'close' | 'metricsUrl' | 'setupToken'> {
  readonly url: string
}

/**
 * Starts a server in this process, which is much faster than `spawnServer`: in memory and on a free port by default, and
 * with the web client.
 */
export async function serve(settings: NodeJS.ProcessEnv = {}): Promise<ServerHere> {
  const config = readConfig({ PORT: '0', DATABASE_URL: 'file::memory:', ...settings })
  const server = await createServer(config, {
    log: memoryLogger([]),
    fastPasswords: true,
    copiesSchema: true,
    keepAliveDrainMs: 0,
  })
  const url = await server.listen()
  const { metricsUrl, setupToken } = server
  const close = () => server.close()
  return { url, metricsUrl, setupToken, close, [Symbol.asyncDispose]: close }
}

function outputOf(child: ChildProcess): Output {
  const output = { stdout: '', stderr: '' }
  if (child.stdout && child.stderr) collect(output, child.stdout, child.stderr)
  return output
}

function collect(output: Output, stdout: Readable, stderr: Readable): void {
  stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output.stdout += chunk
  })
  stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output.stderr += chunk
  })
}

/** Waits until the condition holds for the output. @throws if the program ends before. */
async function untilPrinted(
  ended: Promise<unknown>,
  stdout: Readable,
  output: Readonly<Output>,
  isPrinted: () => boolean,
): Promise<void> {
  while (!isPrinted()) {
    const hasEnded = await Promise.race([ended.then(() => true), once(stdout, 'data').then(() => false)])
    if (hasEnded && !isPrinted()) {
      throw new Error(`the program ended before the expected output:\n${output.stdout}${output.stderr}`)
    }
  }
}
