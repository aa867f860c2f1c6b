import { execFileSync } from 'node:child_process'
import path from 'node:path'

/** Vitest's global set-up: the web client as its sources are. In a process of its own, whose environment is not a test's. */
export function setup(): void {
  const script = path.join(import.meta.dirname, '../apps/web/scripts/build-when-stale.ts')
  execFileSync(process.execPath, [script], { stdio: 'inherit' })
}
