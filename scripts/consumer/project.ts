import { cp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { run } from '../pack.ts'
import { type LockedVersions, readLockedVersions } from './locked-versions.ts'

const root = path.join(import.meta.dirname, '../..')

/**
 * Set by `pnpm canary`: consumer projects then use the newest versions that our packages allow. Otherwise they use
 * those of pnpm-lock.yaml, so that test results depend only on the commit.
 */
export const usesNewestVersions = process.env.SOTTO_CONSUMER_VERSIONS === 'newest'

/** A project outside this repository that contains only what is installed into it. */
export interface ConsumerProject {
  folder: string
  /** Installs tarballs (absolute paths) and packages (names) with npm. */
  install(wanted: readonly string[]): Promise<void>
  write(name: string, content: string | object): Promise<void>
}

/**
 * Creates a project in `folder` with the files of `sources`.
 *
 * @throws if npm installs a version that is not in pnpm-lock.yaml.
 */
export async function createConsumerProject(folder: string, sources: string): Promise<ConsumerProject> {
  const locked = readLockedVersions(await readFile(path.join(root, 'pnpm-lock.yaml'), 'utf8'))
  await cp(sources, folder, { recursive: true })
  async function write(name: string, content: string | object): Promise<void> {
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    await writeFile(path.join(folder, name), text)
  }
  await write('package.json', {
    private: true,
    type: 'module',
    ...(!usesNewestVersions && { overrides: locked.overrides }),
  })
  return {
    folder,
    write,
    async install(wanted) {
      const specifiers = await Promise.all(
        wanted.map((specifier) => (path.isAbsolute(specifier) ? specifier : usedVersion(specifier, locked))),
      )
      // Exact, because npm rejects an override that differs from a direct dependency.
      const flags = ['--save-exact', '--prefer-offline', '--no-audit', '--no-fund']
      await run(folder, ['npm', 'install', ...flags, ...specifiers])
      if (!usesNewestVersions) await requireLocked(folder, locked)
    },
  }
}

/** `name@version`, with the version used in this repository. */
async function usedVersion(name: string, { versionsOf }: LockedVersions): Promise<string> {
  const [version, ...others] = versionsOf(name)
  if (version !== undefined && others.length === 0) return `${name}@${version}`
  // Not in the lock file because of its size.
  if (usesNewestVersions && version === undefined) return `${name}@latest`
  const manifest = await readFile(path.join(root, 'node_modules', name, 'package.json'), 'utf8')
  return `${name}@${JSON.parse(manifest).version}`
}

async function requireLocked(folder: string, { versionsOf }: LockedVersions): Promise<void> {
  // npm's list of installed packages.
  const list = JSON.parse(await readFile(path.join(folder, 'node_modules/.package-lock.json'), 'utf8'))
  const unlocked: string[] = []
  for (const [location, { version }] of Object.entries<{ version: string }>(list.packages)) {
    const name = location.slice(location.lastIndexOf('node_modules/') + 'node_modules/'.length)
    if (!name.startsWith('@sotto/') && !versionsOf(name).includes(version))
      unlocked.push(`${name}@${version}`)
  }
  if (unlocked.length > 0)
    throw new Error(`installed versions that are not in pnpm-lock.yaml: ${unlocked.join(', ')}`)
}
