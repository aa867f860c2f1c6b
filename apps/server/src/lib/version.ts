import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** The version of this package. */
export function readVersion(): string {
  // Found by walking up, which works from the sources and from the published bundle.
  const file = findPackageJSON('..', import.meta.url)
  const { version } = JSON.parse(readFileSync(file ?? '', 'utf8')) as { version: string }
  return version
}
