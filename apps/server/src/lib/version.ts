import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** The version of this program. */
export function readVersion(): string {
  // The nearest one above: of the sources as of the published bundle.
  const file = findPackageJSON('..', import.meta.url)
  const { version } = JSON.parse(readFileSync(file ?? '', 'utf8')) as { version: string }
  return version
}
