import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { operationsSource } from '../scripts/operations.ts'

it('has the operations of the contract', () => {
  const source = readFileSync(path.join(import.meta.dirname, '../src/operations.ts'), 'utf8')
  expect(source, 'run `pnpm --filter @sotto/sdk generate`').toBe(operationsSource())
})
