import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { httpDocs } from './http-docs/page.ts'

// `pnpm docs:write`: regenerates docs/http.md after a change to the contract or the template.

writeFileSync(path.join(import.meta.dirname, '../docs/http.md'), httpDocs())
