import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { httpDocs } from './http-docs/page.ts'

// `pnpm docs:write`: docs/http.md anew, after a change of the contract or of the template.

writeFileSync(path.join(import.meta.dirname, '../docs/http.md'), httpDocs())
