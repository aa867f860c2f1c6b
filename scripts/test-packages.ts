import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { cloneUnderTest } from './consumer/clone.ts'
import { run } from './pack.ts'

/** Vitest's global setup: packs the published packages once for all test files, in a clean clone like a release. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sotto-packages-'))
  const clone = path.join(folder, 'clone')
  const packed = path.join(folder, 'packed')
  await cloneUnderTest(clone)
  await run(clone, ['npx', '-y', 'pnpm@12', 'install', '--frozen-lockfile', '--prefer-offline'])
  await run(clone, [process.execPath, 'scripts/pack.ts', packed])
  await rm(clone, { recursive: true, force: true })
  provide('packedFolder', packed)
  return () => rm(folder, { recursive: true, force: true })
}
