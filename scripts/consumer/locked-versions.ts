import { parse } from 'yaml'

interface Snapshot {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

/** The `overrides` of a package.json, as npm reads them. */
export type Overrides = Record<string, string | Record<string, string>>

export interface LockedVersions {
  /** Makes npm resolve every package to the version in the lock file. */
  overrides: Overrides
  /** The versions of a package in the lock file. Empty if it has none. */
  versionsOf(name: string): readonly string[]
}

/**
 * Reads a pnpm-lock.yaml.
 *
 * A package that has one version gets a flat override. One that has several is overridden for each package that
 * depends on it.
 */
export function readLockedVersions(lockFile: string): LockedVersions {
  const { packages, snapshots } = parse(lockFile) as {
    packages: Record<string, unknown>
    snapshots: Record<string, Snapshot | null>
  }
  const versions = Map.groupBy(Object.keys(packages).map(splitKey), ({ name }) => name)
  const versionsOf = (name: string) => versions.get(name)?.map(({ version }) => version) ?? []

  const overrides: Overrides = {}
  for (const name of versions.keys()) {
    const [version, ...others] = versionsOf(name)
    if (version !== undefined && others.length === 0) overrides[name] = version
  }
  for (const [key, snapshot] of Object.entries(snapshots)) {
    const parent = splitKey(key)
    const several = Object.entries({ ...snapshot?.dependencies, ...snapshot?.optionalDependencies })
      .filter(([name]) => versionsOf(name).length > 1)
      .map(([name, version]) => [name, withoutPeers(version)])
    // Only a parent with a single version can be overridden. The others, which are few, keep npm's choice, which
    // requireLocked checks.
    if (several.length === 0 || versionsOf(parent.name).length !== 1) continue
    overrides[parent.name] = { '.': parent.version, ...Object.fromEntries(several) }
  }
  return { overrides, versionsOf }
}

/** `@scope/name@1.2.3(peer@4.5.6)` */
function splitKey(key: string): { name: string; version: string } {
  const plain = withoutPeers(key)
  const at = plain.lastIndexOf('@')
  return { name: plain.slice(0, at), version: plain.slice(at + 1) }
}

function withoutPeers(version: string): string {
  return version.split('(', 1)[0] ?? version
}
