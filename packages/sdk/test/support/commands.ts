import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

export const packageRoot = path.join(import.meta.dirname, '../..')

/** Runs a command and returns its output. @throws with all output if it fails. */
export async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd, env: quietEnvironment() })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

/** The path of a command from this package's devDependencies. */
export function bin(name: 'bun' | 'deno' | 'tsc'): string {
  return path.join(packageRoot, 'node_modules/.bin', name)
}

function quietEnvironment(): NodeJS.ProcessEnv {
  // Commands must not inherit the settings of the package manager that runs the tests.
  const entries = Object.entries(process.env).filter(([name]) => !/^(npm|pnpm)_/i.test(name))
  return { ...Object.fromEntries(entries), DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' }
}
