import { type Command, optionUsage } from './command.ts'

/** The help of the program, or of a group of commands such as `key`. */
export function programHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length))
  const lines = commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`)
  return `Usage: sotto <command>

${lines.join('\n')}

  sotto <command> --help  shows the help of a command; sotto --version shows the version.

Settings come from the environment: DATABASE_URL (file:./data/sotto.db), PORT (1337), HOST (127.0.0.1), …
Exit codes: 0 success, 1 failure, 2 invalid command line.
`
}

export function commandHelp(command: Command): string {
  const options = Object.entries(command.options).map(
    ([name, option]) => [optionUsage(name, option), option.help] as const,
  )
  const width = Math.max(...options.map(([usage]) => usage.length))
  const sections = [
    `Usage: ${command.usage}`,
    [command.summary, ...command.details].join('\n'),
    options.map(([usage, help]) => `  ${usage.padEnd(width)}  ${help}`).join('\n'),
  ]
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`
}
