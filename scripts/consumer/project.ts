import { cp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { run } from '../pack.ts'
import { type LockedVersions, readLockedVersions } from './locked-versions.ts'

const root = path.join(import.meta.dirname, '../..')

/**
 * Set by `pnpm canary`: consumer projects then get the newest versions that the ranges of our packages allow. Without
 * it they get those of pnpm-lock.yaml, so that a test's result depends on the commit alone.
 */
export const usesNewestVersions = process.env.SOTTO_CONSUMER_VERSIONS === 'newest'

/** A project outside of this repository that has nothing but what is installed into it. */
export interface ConsumerProject {
  folder: string
  /** Installs tarballs (absolute paths) and packages (names) with npm. */
  install(wanted: readonly string[]): Promise<void>
  write(name: string, content: string | object): Promise<void>
}

/**
 * Creates a project in `folder` with the files of `sources`.
 *
 * @throws when npm installs a version that pnpm-lock.yaml does not have.
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
        wanted.map((one) => (path.isAbsolute(one) ? one : usedVersion(one))),
      )
      // Exact, since npm refuses an override that differs from what the project itself asks for.
      const flags = ['--save-exact', '--prefer-offline', '--no-audit', '--no-fund']
      await run(folder, ['npm', 'install', ...flags, ...specifiers])
      if (!usesNewestVersions) await requireLocked(folder, locked)
    },
  }
}

/** `name@version` of the version that this repository uses. */
async function usedVersion(name: string): Promise<string> {
  const manifest = await readFile(path.join(root, 'node_modules', name, 'package.json'), 'utf8')
  return `${name}@${JSON.parse(manifest).version}`
}

async function requireLocked(folder: string, { versionsOf }: LockedVersions): Promise<void> {
  // npm's own list of what it has installed.
  const list = JSON.parse(await readFile(path.join(folder, 'node_modules/.package-lock.json'), 'utf8'))
  const others: string[] = []
  for (const [place, { version }] of Object.entries<{ version: string }>(list.packages)) {
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
    if (!name.startsWith('@sotto/') && !versionsOf(name).includes(version)) others.push(`${name}@${version}`)
  }
  if (others.length > 0) throw new Error(`not the versions of pnpm-lock.yaml: ${others.join(', ')}`)
}
