import { execFile } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'

// `node scripts/pack.ts <folder> [package…]`: builds and packs all published packages, or the given ones.

/** The published packages, all with the same version, each after those it depends on. */
export const publishedPackages = {
  '@sotto/sdk': 'packages/sdk',
  '@sotto/react': 'packages/react',
  '@sotto/server': 'apps/server',
  '@sotto/testing': 'packages/testing',
} as const

export type PublishedPackage = keyof typeof publishedPackages

export const publishedNames = Object.keys(publishedPackages) as PublishedPackage[]

/** How long to wait for another run of this script, in milliseconds. */
const LOCK_TIMEOUT_MS = 120_000

const root = path.join(import.meta.dirname, '..')

/** The file name that npm and pnpm give a tarball. */
export function tarballName(name: PublishedPackage, version: string): string {
  return `${name.slice(1).replace('/', '-')}-${version}.tgz`
}

/**
 * The environment without the settings of the package manager that runs this script, except those for registries and
 * their tokens.
 */
export function cleanEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(npm|pnpm)_/i.test(name) || /_(registry|cafile|userconfig)$|\/\//i.test(name),
  )
  return { ...Object.fromEntries(entries), NO_COLOR: '1', ...extra }
}

/** Runs a command and returns its output. @throws with all output if it fails. */
export async function run(
  cwd: string,
  command: readonly [program: string, ...args: string[]],
  env: NodeJS.ProcessEnv = cleanEnvironment(),
): Promise<string> {
  const [program, ...args] = command
  try {
    const { stdout } = await promisify(execFile)(program, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

async function pack(folder: string, names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !Object.hasOwn(publishedPackages, name))
  if (unknown) throw new Error(`${unknown} is not a published package`)
  await mkdir(folder, { recursive: true })
  // Every build empties its `dist`, so concurrent runs would see incomplete files. SQLite releases the lock no matter
  // how this process ends.
  using lock = new DatabaseSync(path.join(root, 'node_modules/.pack.lock'), { timeout: LOCK_TIMEOUT_MS })
  lock.exec('begin exclusive')
  const filters = names.map((name) => `--filter=${name}`)
  await run(root, ['npx', '-y', 'pnpm@12', ...filters, 'pack', '--pack-destination', folder])
  const packed = (await readdir(folder)).filter((file) => file.endsWith('.tgz'))
  console.log(packed.sort().join('\n'))
}

if (import.meta.main) {
  const [folder, ...names] = process.argv.slice(2)
  try {
    if (!folder) throw new Error('usage: node scripts/pack.ts <folder> [package…]')
    await pack(path.resolve(folder), names.length > 0 ? names : publishedNames)
  } catch (error) {
    console.error(`pack: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}
