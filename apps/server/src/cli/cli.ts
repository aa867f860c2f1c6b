import { readVersion } from '../lib/version.ts'
import { type Command, UsageError } from './command.ts'
import { commands } from './commands.ts'
import { commandHelp, programHelp } from './help.ts'
import type { Io } from './io.ts'

/**
 * Runs a command. Reports errors as one line on standard error.
 *
 * @param args the command line without the program name
 * @returns the exit code: 0 success, 1 failure, 2 invalid command line
 */
export async function run(args: readonly string[], io: Io): Promise<number> {
  // The reader of a pipe may close it early, as in `sotto … | head`.
  io.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  try {
    await dispatch(args, io)
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr.write(`sotto: ${error.message}\n`)
      return 2
    }
    const { describeFailure } = await import('./failure.ts')
    io.stderr.write(`sotto: ${describeFailure(error)}\n`)
    const { isDebugging } = await import('../settings/config.ts')
    if (isDebugging(io.env)) io.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    return 1
  }
}

async function dispatch(args: readonly string[], io: Io): Promise<void> {
  const isHelp = optionsOf(args).some((arg) => arg === '--help' || arg === '-h')
  const words = args.filter((arg) => !arg.startsWith('-'))
  const command = commands.find(({ name }) => startsWith(words, name.split(' ')))
  if (command) {
    if (isHelp) io.stdout.write(commandHelp(command))
    else await command.execute(io, withoutName(args, command))
    return
  }
  const group = commands.filter(({ name }) => words[0] !== undefined && name.startsWith(`${words[0]} `))
  if (isHelp && (words.length === 0 || group.length > 0)) {
    io.stdout.write(programHelp(group.length > 0 ? group : commands))
    return
  }
  if (words.length === 0 && args[0] === '--version') {
    io.stdout.write(`${readVersion()}\n`)
    return
  }
  throw new UsageError(
    `${problemOf(args, words)}; usage: sotto ${namesOf(group.length > 0 ? group : commands)}`,
  )
}

/** The arguments before `--`, which can be options. */
function optionsOf(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--')
  return end === -1 ? args : args.slice(0, end)
}

function startsWith(words: readonly string[], name: readonly string[]): boolean {
  return name.every((word, index) => words[index] === word)
}

function withoutName(args: readonly string[], command: Command): string[] {
  const rest = [...args]
  for (const word of command.name.split(' ')) rest.splice(rest.indexOf(word), 1)
  return rest
}

function problemOf(args: readonly string[], words: readonly string[]): string {
  if (words.length > 0) return `unknown command "${words.slice(0, 2).join(' ')}"`
  return args[0] === undefined ? 'a command is required' : `unknown option ${args[0]}`
}

function namesOf(some: readonly Command[]): string {
  return some.map((command) => command.name).join(' | ')
}
