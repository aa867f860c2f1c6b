import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { CommandError } from './command-error.ts'
import type { Io } from './io.ts'

/** Prompts twice, without echo, if standard input is a terminal. Otherwise reads standard input. */
export async function readPassword(io: Io): Promise<string> {
  if (!io.stdin.isTTY) return readPasswordFromInput(io)
  const [first, second] = await ask(io, 'Password: ', 'Repeat password: ')
  if (first !== second) throw new CommandError('the passwords do not match')
  return first
}

/** Reads standard input, without the trailing newline. */
export async function readPasswordFromInput(io: Io): Promise<string> {
  return (await text(io.stdin)).replace(/\r?\n$/, '')
}

async function ask({ stdin, stderr }: Io, ...prompts: [string, string]): Promise<[string, string]> {
  // Readline echoes the input to this stream.
  const discarded = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: discarded, terminal: true })
  const stopped = new AbortController()
  lines.on('SIGINT', () => stopped.abort())
  lines.on('close', () => stopped.abort())
  try {
    const [first, second] = prompts
    return [await askOne(first), await askOne(second)]
  } catch (error) {
    if (stopped.signal.aborted) throw new CommandError('a password is required')
    throw error
  } finally {
    lines.close()
  }

  async function askOne(prompt: string): Promise<string> {
    stderr.write(prompt)
    try {
      return await lines.question('', { signal: stopped.signal })
    } finally {
      stderr.write('\n')
    }
  }
}
