import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import path from 'node:path'
import { checkFiles, unusedPermissions } from './check-imports/check-files.ts'
import { type ParsedFile, parse } from './check-imports/parse.ts'

/* Checks that packages and modules import only what they may, and that there are no import cycles. */

const root = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '..'))
const files: ParsedFile[] = []
for await (const found of glob(['{apps,packages}/*/**/*.{ts,tsx}', 'scripts/**/*.ts'], {
  cwd: root,
  exclude: ['**/node_modules', '**/dist'],
})) {
  const file = found.split(path.sep).join('/')
  files.push(parse(file, readFileSync(path.join(root, found), 'utf8')))
}

const problems = [...checkFiles(files), ...unusedPermissions(files)]
for (const problem of problems.sort()) console.error(problem)
console.log(`${files.length} files, ${problems.length} problems with imports`)
if (problems.length > 0) process.exitCode = 1
