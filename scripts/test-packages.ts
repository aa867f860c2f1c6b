import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { run } from './pack.ts'

/** Vitest's global setup: packs the published packages once for all test files. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sotto-packages-'))
  await run(path.join(import.meta.dirname, '..'), [process.execPath, 'scripts/pack.ts', folder])
  provide('packedFolder', folder)
  return () => rm(folder, { recursive: true, force: true })
}
