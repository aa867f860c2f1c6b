/** A version as it is released: three numbers, and a name for one that comes before them. */
const VERSION = /^(\d+)\.(\d+)\.(\d+)(-[0-9a-z.-]+)?$/

export type Bump = 'major' | 'minor' | 'patch'

export function isVersion(text: string): boolean {
  return VERSION.test(text)
}

/** The version after this one. The one that a pre-release leads to counts as its patch. */
export function nextVersion(current: string, bump: Bump): string {
  const [, major, minor, patch, name] = VERSION.exec(current) ?? []
  if (patch === undefined) throw new Error(`${current} is not a version`)
  if (bump === 'major') return `${Number(major) + 1}.0.0`
  if (bump === 'minor') return `${major}.${Number(minor) + 1}.0`
  return `${major}.${minor}.${Number(patch) + (name ? 0 : 1)}`
}

/** Whether the changelog has a section of this version. */
export function isReleased(changelog: string, version: string): boolean {
  return changelog.split('\n').some((line) => line.startsWith(`## ${version} - `))
}

/**
 * Gives what stands under "Unreleased" to a version, and leaves that heading empty.
 *
 * @param date as YYYY-MM-DD
 */
export function releaseChangelog(changelog: string, version: string, date: string): string {
  if (isReleased(changelog, version)) throw new Error(`CHANGELOG.md has a section for ${version} already`)
  const heading = '## Unreleased\n'
  const start = changelog.indexOf(heading)
  if (start < 0) throw new Error('CHANGELOG.md has no "## Unreleased"')
  const rest = changelog.slice(start + heading.length)
  const changes = rest.split(/^## /m)[0] ?? ''
  if (!/^- /m.test(changes)) throw new Error('CHANGELOG.md says nothing under "## Unreleased"')
  return `${changelog.slice(0, start)}${heading}\n## ${version} - ${date}\n${rest}`
}
