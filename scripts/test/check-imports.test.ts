import { describe, expect, it } from 'vitest'
import { checkSource } from '../check-imports.ts'

const refused: [file: string, source: string, reason: string][] = [
  ['packages/contract/src/a.ts', `import { Kysely } from 'kysely'`, 'must not import kysely'],
  ['packages/contract/src/a.ts', `import { initTRPC } from '@trpc/server'`, 'for types only'],
  ['packages/contract/src/a.ts', `export * from '@sotto/db'`, 'must not import @sotto/db'],
  ['packages/contract/src/a.ts', `import fs from 'node:fs'`, 'must not import node:fs'],
  ['packages/db/src/a.ts', `import { createServer } from '@sotto/server'`, 'must not import @sotto/server'],
  [
    'packages/db/src/a.ts',
    `import { x } from '../../../apps/server/src/app/server.ts'`,
    'leaves the package',
  ],
  ['packages/sdk/src/a.ts', `import { open } from '@sotto/db'`, 'must not import @sotto/db'],
  ['packages/sdk/src/a.ts', `type A = import('@sotto/server').A`, 'must not import @sotto/server'],
  ['packages/sdk/src/a.ts', `await import('node:fs/promises')`, 'must not import node:fs/promises'],
  ['packages/contract/src/a.ts', `import { httpLink } from '@trpc/server/http'`, 'for types only'],
  ['packages/testing/src/a.ts', `import { open } from '@sotto/db'`, 'must not import @sotto/db'],
  ['apps/server/src/a.ts', `import { createClient } from '@sotto/sdk'`, 'must not import @sotto/sdk'],
  ['apps/web/src/a.tsx', `import { errors } from '@sotto/contract'`, 'must not import @sotto/contract'],
  ['apps/server/src/messaging/a.ts', `import { r } from '../rpc/r.ts'`, 'messaging/ must not import rpc/'],
  ['apps/server/src/messaging/a.ts', `import { r } from '../http/r.ts'`, 'messaging/ must not import http/'],
  ['apps/server/src/identity/a.ts', `import type { R } from '../rpc/r.ts'`, 'identity/ must not import rpc/'],
  ['apps/server/src/identity/a.ts', `import { r } from '../http/r.ts'`, 'identity/ must not import http/'],
  ['apps/server/src/realtime/a.ts', `import { r } from '../rpc/r.ts'`, 'realtime/ must not import rpc/'],
  ['apps/server/src/realtime/a.ts', `export { r } from '../http/r.ts'`, 'realtime/ must not import http/'],
  ['apps/server/src/rpc/a.ts', `import { rest } from '../http/rest.ts'`, 'rpc/ must not import http/'],
  ['apps/server/src/rpc/a.ts', `import { readConfig } from '../config.ts'`, 'read the configuration'],
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
    `import { createTRPCClient } from '@trpc/client'\nexport type { A } from './a.ts'`,
  ],
  ['apps/server/src/http/a.ts', `import { router } from '../rpc/router.ts'`],
  ['apps/server/src/cli/start.ts', `import { readConfig } from '../config.ts'`],
  ['apps/server/src/messaging/a.ts', `import type { Config } from '../config.ts'`],
  ['apps/bench/src/a.ts', `import { open } from '@sotto/db'`],
]

describe('the direction of imports', () => {
  it.each(refused)('%s: %s', (file, source, reason) => {
    expect(checkSource(file, source)).toEqual([expect.stringContaining(reason)])
  })

  it.each(allowed)('%s may: %s', (file, source) => {
    expect(checkSource(file, source)).toEqual([])
  })

  it('names the line', () => {
    const source = `import { z } from 'zod'\n\nimport { x } from '@sotto/db'\n`
    expect(checkSource('packages/sdk/src/a.ts', source)).toEqual([
      'packages/sdk/src/a.ts:3: packages/sdk must not import @sotto/db',
    ])
  })
})
