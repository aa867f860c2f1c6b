import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checkFiles, unusedPermissions } from '../check-imports/check-files.ts'
import { parse } from '../check-imports/parse.ts'

const rejected: [file: string, source: string, reason: string][] = [
  ['packages/contract/src/a.ts', `import { Kysely } from 'kysely'`, 'must not import kysely'],
  ['packages/contract/src/a.ts', `import { initTRPC } from '@trpc/server'`, 'with import type'],
  ['packages/contract/src/a.ts', `import { type AnyRouter } from '@trpc/server'`, 'with import type'],
  ['packages/contract/src/a.ts', `export * from '@sotto/db'`, 'must not import @sotto/db'],
  ['packages/contract/src/a.ts', `import fs from 'node:fs'`, 'must not import node:fs'],
  ['packages/contract/src/a.ts', `import { httpLink } from '@trpc/server/http'`, 'with import type'],
  ['packages/db/src/a.ts', `import { createServer } from '@sotto/server'`, 'must not import @sotto/server'],
  [
    'packages/db/src/a.ts',
    `import { x } from '../../../apps/server/src/app/server.ts'`,
    'leaves the package',
  ],
  ['packages/sdk/src/a.ts', `import { open } from '@sotto/db'`, 'must not import @sotto/db'],
  ['packages/sdk/src/a.ts', `type A = import('@sotto/server').A`, 'must not import @sotto/server'],
  ['packages/sdk/src/a.ts', `await import('node:fs/promises')`, 'must not import node:fs/promises'],
  ['packages/testing/src/a.ts', `import { open } from '@sotto/db'`, 'must not import @sotto/db'],
  ['apps/server/src/a.ts', `import { createClient } from '@sotto/sdk'`, 'must not import @sotto/sdk'],
  ['apps/web/src/a.tsx', `import { errors } from '@sotto/contract'`, 'must not import @sotto/contract'],

  ['apps/server/src/messaging/a.ts', `import { r } from '../rpc/r.ts'`, 'messaging must not import rpc'],
  ['apps/server/src/identity/a.ts', `import type { R } from '../http/r.ts'`, 'identity must not import http'],
  ['apps/server/src/realtime/a.ts', `export { r } from '../http/r.ts'`, 'realtime must not import http'],
  ['apps/server/src/rpc/a.ts', `export * from '../http/rest.ts'`, 'rpc must not import http'],
  ['apps/server/src/lib/a.ts', `type A = import('../auth/access.ts').A`, 'lib must not import auth'],
  ['apps/server/src/people/a.ts', `await import('../seed/a.ts')`, 'people must not import seed'],
  ['apps/server/src/unlisted/a.ts', `import { a } from '../lib/a.ts'`, 'unlisted must not import lib'],
  ['apps/server/src/lib/a.ts', `import { a } from '../unlisted/a.ts'`, 'lib must not import unlisted'],
  [
    'apps/server/src/webhooks/a.ts',
    `import { createApp } from '../app/create-app.ts'`,
    'webhooks must not import app/create-app.ts',
  ],
  [
    'apps/server/src/app/runtime.ts',
    `import type { App } from './app.ts'`,
    'app/runtime.ts must not import app',
  ],
  ['packages/db/src/dialect/a.ts', `import { a } from '../queries/a.ts'`, 'dialect must not import queries'],
  ['packages/db/src/queries/a.ts', `import { a } from '../database.ts'`, 'must not import database.ts'],
  ['packages/sdk/src/live/a.ts', `import { a } from '../client.ts'`, 'live must not import client.ts'],
  ['apps/web/src/ui/a.tsx', `import { a } from '../chat/a.tsx'`, 'ui must not import chat'],

  [
    'apps/server/src/doctor/a.ts',
    `import { readConfig } from '../settings/config.ts'`,
    'may import the configuration',
  ],
  ['apps/server/src/a.ts', `if (dialect === 'sqlite') run()`, 'dialect'],
  ['apps/server/src/a.ts', `const sql = db.dialect !== 'postgres' ? 1 : 2`, 'dialect'],
  ['apps/server/src/a.ts', `switch (db.dialect) {}`, 'dialect'],
  ['packages/sdk/src/a.ts', `import {`, 'does not parse'],
]

const allowed: [file: string, source: string][] = [
  ['packages/contract/src/a.ts', `import { z } from 'zod/v4'\nimport type { AnyRouter } from '@trpc/server'`],
  ['packages/db/src/a.ts', `import { Kysely } from 'kysely'\nif (dialect === 'sqlite') run()`],
  [
    'packages/sdk/src/a.ts',
    `import { createTRPCClient } from '@trpc/client'\nexport type { A } from './b.ts'`,
  ],
  ['apps/server/src/http/a.ts', `import { router } from '../rpc/router.ts'`],
  ['apps/server/src/http/a.ts', `import { a } from './b.ts'`],
  ['apps/server/src/main.ts', `import { run } from './cli/cli.ts'`],
  ['apps/server/src/cli/start.ts', `import { readConfig } from '../settings/config.ts'`],
  ['apps/server/src/index.ts', `export { readConfig } from './settings/config.ts'`],
  ['apps/server/src/doctor/a.ts', `import type { Config } from '../settings/config.ts'`],
  ['apps/server/test/a.ts', `import { openDatabase } from '../../../scripts/test-database.ts'`],
  ['apps/bench/src/a.ts', `import { open } from '@sotto/db'`],
]

describe('import rules', () => {
  it.each(rejected)('reject in %s: %s', (file, source, reason) => {
    expect(check({ [file]: source })).toEqual([expect.stringContaining(reason)])
  })

  it.each(allowed)('allow in %s: %s', (file, source) => {
    expect(check({ [file]: source })).toEqual([])
  })

  it('report the line and the rule', () => {
    const source = `import { z } from 'zod'\n\nimport { x } from '@sotto/db'\n`
    expect(check({ 'packages/sdk/src/a.ts': source })).toEqual([
      'packages/sdk/src/a.ts:3: packages/sdk must not import @sotto/db (packageRules)',
    ])
  })

  it('reject a permission that no import uses', () => {
    const unused = 'packages/db: migrations does not import dialect (moduleRules): remove the permission'
    expect(unusedPermissions([])).toContain(unused)
    const file = parse('packages/db/src/migrations/a.ts', `import { a } from '../dialect/a.ts'`)
    expect(unusedPermissions([file])).not.toContain(unused)
  })

  it('reject a rule for a file that has moved', () => {
    expect(unusedPermissions([])).toContainEqual(
      expect.stringMatching(/^apps\/server\/src\/cli\/ does not import .*config\.ts \(configReaders\)/),
    )
  })
})

describe('import cycles', () => {
  it.each([
    `import { b } from './b.ts'`,
    `import type { B } from './b.ts'`,
    `import { type B } from './b.ts'`,
    `import './b.ts'`,
    `export { b } from './b.ts'`,
    `export type { B } from './b.ts'`,
    `export * from './b.ts'`,
    `export * as b from './b.ts'`,
    `type B = import('./b.ts').B`,
    `type B = typeof import('./b.ts')`,
    `const b = await import('./b.ts')`,
  ])('are found through %s', (source) => {
    const problems = check({ 'scripts/a.ts': source, 'scripts/b.ts': `import type { A } from './a.ts'` })
    expect(problems).toEqual([expect.stringContaining('import cycle of 2 files')])
  })

  it('are reported with their shortest path', () => {
    const problems = check({
      'apps/bench/src/a.ts': `import './b.ts'\nimport './alone.ts'`,
      'apps/bench/src/b.ts': `import './c.ts'`,
      'apps/bench/src/c.ts': `import './d/d.ts'\nimport './a.ts'`,
      'apps/bench/src/d/d.ts': `import '../c.ts'`,
      'apps/bench/src/alone.ts': '',
      'packages/sdk/test/self.ts': `import './self.ts'`,
    })
    expect(problems).toHaveLength(2)
    expect(problems[0]).toContain('import cycle of 4 files')
    expect(problems[0]?.split('\n').slice(1)).toEqual([
      '       apps/bench/src/c.ts',
      '    -> apps/bench/src/d/d.ts',
      '    -> apps/bench/src/c.ts',
    ])
    expect(problems[1]).toContain('packages/sdk/test/self.ts: import cycle of 1 file')
  })
})

describe('the command', () => {
  it('passes for this repository', () => {
    const { stderr, status } = run()
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  it('fails for a repository with an import cycle', () => {
    const root = mkdtempSync(path.join(tmpdir(), 'check-imports-'))
    onTestFinished(() => rmSync(root, { recursive: true }))
    mkdirSync(path.join(root, 'scripts'))
    writeFileSync(path.join(root, 'scripts/a.ts'), `import './a.ts'`)
    const { stderr, status } = run(root)
    expect(stderr).toContain('scripts/a.ts: import cycle of 1 file')
    expect(status).toBe(1)
  })
})

function check(sources: Readonly<Record<string, string>>): string[] {
  return checkFiles(Object.entries(sources).map(([file, source]) => parse(file, source)))
}

function run(...args: string[]): { stderr: string; status: number | null } {
  const script = path.join(import.meta.dirname, '../check-imports.ts')
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' })
}
