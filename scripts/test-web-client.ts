import { execFileSync } from 'node:child_process'
import path from 'node:path'

/**
 * Vitest's global setup: builds the web client if it is outdated, in a child process whose environment is not that of a
 * test.
 */
export function setup(): void {
  const script = path.join(import.meta.dirname, '../apps/web/scripts/build-when-stale.ts')
  execFileSync(process.execPath, [script], { stdio: 'inherit' })
}
