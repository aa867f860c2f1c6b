import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Block } from './markdown.ts'

/** The result of running a block. */
export interface Result {
  /** The bodies of the responses, each ending with a newline, and any other output of the block. */
  output: string
  /** The status of every response, in order. */
  statuses: number[]
}

const root = path.join(import.meta.dirname, '../../..')
/** The published packages that samples use, and their folders. */
const published = { sdk: 'packages/sdk', server: 'apps/server', testing: 'packages/testing' }
const TIMEOUT_MS = 25_000

/** Wraps curl: ignores the user's settings, writes the status to stderr, and ends each response with a newline. */
const PRELUDE = `set -euo pipefail
curl() {
  command curl --disable --silent --show-error --write-out '\\n%{stderr}status %{http_code}\\n' "$@"
}
`

/** Runs the `sh` and `ts` blocks of a file in one bash process, in order, until one fails. */
export async function runBlocks(
  blocks: readonly Block[],
  environment: Record<string, string>,
): Promise<{ results: (Result | undefined)[]; failure: string | undefined }> {
  const directory = createDirectory()
  try {
    const commands = blocks.map(({ language, code }, index) => {
      if (language === 'ts') writeFileSync(path.join(directory, `${index}.ts`), code)
      return `{\n${language === 'ts' ? `node ${index}.ts` : code}\n} >${index}.out 2>${index}.err\n`
    })
    writeFileSync(path.join(directory, 'session.sh'), PRELUDE + commands.join(''))
    const failure = await run('bash', ['session.sh'], directory, environment)
    return { results: blocks.map((_, index) => readResult(directory, index)), failure }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/**
 * Type-checks these files, given by name, and returns the errors in them. Errors in the packages are found by their own
 * checks.
 */
export async function checkTypes(sources: Record<string, string>): Promise<string[]> {
  const directory = createDirectory()
  try {
    for (const [name, code] of Object.entries(sources)) writeFileSync(path.join(directory, name), code)
    const config = {
      extends: path.join(root, 'tsconfig.base.json'),
      compilerOptions: { types: ['node'] },
      files: Object.keys(sources),
    }
    writeFileSync(path.join(directory, 'tsconfig.json'), JSON.stringify(config))
    const output = await run('tsc', ['-p', '.', '--singleThreaded', '--pretty', 'false'], directory, {})
    if (output === undefined) return []
    const errors = output.split('\n').filter((line) => line.includes('error TS'))
    if (errors.length === 0) throw new Error(output)
    return errors.filter((line) => !line.startsWith('..'))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Creates a project outside the workspace that has the published packages installed. */
function createDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'sotto-docs-'))
  const modules = path.join(directory, 'node_modules')
  mkdirSync(path.join(modules, '@sotto'), { recursive: true })
  symlinkSync(path.join(root, 'node_modules/@types'), path.join(modules, '@types'))
  for (const [name, folder] of Object.entries(published)) {
    symlinkSync(path.join(root, folder), path.join(modules, '@sotto', name))
  }
  writeFileSync(path.join(directory, 'package.json'), '{"type":"module"}')
  return directory
}

/** @returns the output if the command fails, or undefined. */
async function run(
  command: string,
  args: string[],
  cwd: string,
  environment: Record<string, string>,
): Promise<string | undefined> {
  const PATH = `${path.join(root, 'node_modules/.bin')}${path.delimiter}${process.env.PATH}`
  // Leaves out the rest of the environment, such as proxy or server settings. The cache saves each sample from compiling
  // the packages.
  const cache = path.join(root, 'node_modules/.cache/node')
  const env = { PATH, LANG: 'C.UTF-8', NODE_COMPILE_CACHE: cache, ...environment }
  try {
    await promisify(execFile)(command, args, { cwd, env, timeout: TIMEOUT_MS })
    return undefined
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return `${error}\n${stdout}${stderr}`
  }
}

function readResult(directory: string, index: number): Result | undefined {
  const file = (extension: string) => path.join(directory, `${index}.${extension}`)
  if (!existsSync(file('out'))) return undefined
  const errors = readFileSync(file('err'), 'utf8')
  const statuses = [...errors.matchAll(/^status (\d+)$/gm)].map(([, status]) => Number(status))
  return { output: readFileSync(file('out'), 'utf8') + errors.replaceAll(/^status \d+\n/gm, ''), statuses }
}
