import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

export const packageRoot = path.join(import.meta.dirname, '../..')

/** Runs a command to its end and answers what it printed; throws with all of its output when it fails. */
export async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd, env: quietEnvironment() })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

/** The command of one of this package's devDependencies. */
export function bin(name: 'bun' | 'deno' | 'tsc'): string {
  return path.join(packageRoot, 'node_modules/.bin', name)
}

function quietEnvironment(): NodeJS.ProcessEnv {
  // Settings of the package manager that runs the tests are not for those that the tests run.
  const entries = Object.entries(process.env).filter(([name]) => !/^(npm|pnpm)_/i.test(name))
  return { ...Object.fromEntries(entries), DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' }
}
