import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { operationsSource } from './operations.ts'

writeFileSync(path.join(import.meta.dirname, '../src/operations.ts'), operationsSource())
