import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import type { Io } from './io.ts'

/** An invalid command line: exit code 2. The message is one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface Option {
  type: 'string' | 'boolean'
  /** The placeholder of the value in the help. */
  value?: string
  required?: true
  help: string
}

type OptionTable = Readonly<Record<string, Option>>

type Values<Options extends OptionTable> = {
  -readonly [Name in keyof Options]: Options[Name] extends { type: 'boolean' }
    ? boolean
    : Options[Name] extends { required: true }
      ? string
      : string | undefined
}

interface Definition<Options extends OptionTable, Names extends readonly string[]> {
  /** As typed, for example `key create`. */
  name: string
  summary: string
  /** Lines below the summary in the help. */
  details?: readonly string[]
  /** Argument names, all required. */
  arguments: Names
  options: Options
  run(
    io: Io,
    options: Values<Options>,
    ...operands: { -readonly [Index in keyof Names]: string }
  ): Promise<void>
}

export interface Command {
  readonly name: string
  readonly summary: string
  readonly details: readonly string[]
  readonly usage: string
  readonly options: OptionTable
  /** @throws {UsageError} for invalid arguments. */
  execute(io: Io, args: readonly string[]): Promise<void>
}

/** Defines a command: its arguments, its help and what it runs. */
export function defineCommand<const Options extends OptionTable, const Names extends readonly string[]>(
  definition: Definition<Options, Names>,
): Command {
  const usage = usageOf(definition)
  return {
    name: definition.name,
    summary: definition.summary,
    details: definition.details ?? [],
    usage,
    options: definition.options,
    async execute(io, args) {
      const { values, positionals } = parse(args, definition.options, usage)
      const missing = Object.entries(definition.options).find(
        ([name, option]) => option.required && values[name] === undefined,
      )
      if (missing) throw new UsageError(`--${missing[0]} is required; usage: ${usage}`)
      if (positionals.length !== definition.arguments.length) {
        const missingArgument = definition.arguments[positionals.length]
        const problem =
          missingArgument === undefined
            ? `unexpected argument "${positionals[definition.arguments.length]}"`
            : `<${missingArgument}> is required`
        throw new UsageError(`${problem}; usage: ${usage}`)
      }
      for (const [name, option] of Object.entries(definition.options)) {
        if (option.type === 'boolean') values[name] ??= false
      }
      // The checks above guarantee these types.
      await definition.run(io, values as Values<Options>, ...(positionals as unknown as Operands<Names>))
    },
  }
}

type Operands<Names extends readonly string[]> = { -readonly [Index in keyof Names]: string }

function parse(args: readonly string[], options: OptionTable, usage: string) {
  const config: ParseArgsOptionsConfig = Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, { type: option.type }]),
  )
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: config,
      allowPositionals: true,
    })
    return { values: { ...values }, positionals }
  } catch (error) {
    // Node's message is long; its first sentence names the problem.
    const [problem = ''] = (error instanceof Error ? error.message : String(error)).split(/\.? *\n|\. /)
    throw new UsageError(`${lowerFirst(problem.replace(/\.$/, ''))}; usage: ${usage}`)
  }
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}

function usageOf(definition: Definition<OptionTable, readonly string[]>): string {
  const operands = definition.arguments.map((name) => `<${name}>`)
  const options = Object.entries(definition.options).map(([name, option]) =>
    option.required ? optionUsage(name, option) : `[${optionUsage(name, option)}]`,
  )
  return ['sotto', definition.name, ...operands, ...options].join(' ')
}

export function optionUsage(name: string, option: Option): string {
  return option.type === 'boolean' ? `--${name}` : `--${name} <${option.value ?? 'text'}>`
}

/**
 * Parses an option whose value is a whole number.
 *
 * @throws {UsageError} if the value is not a whole number in the range.
 */
export function wholeNumberOption(
  name: string,
  value: string | undefined,
  range: { min: number; max: number },
): number | undefined {
  if (value === undefined) return undefined
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
  if (number >= range.min && number <= range.max) return number
  throw new UsageError(`--${name} must be a whole number from ${range.min} to ${range.max}`)
}
