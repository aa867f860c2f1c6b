import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchorsOf, linksOf } from './support/markdown.ts'

const root = path.join(import.meta.dirname, '../..')
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  // What was deleted and is not committed yet is still listed.
  .filter((file) => file && existsSync(path.join(root, file)))

/** What means nothing to whoever has only the repository. */
const foreign: [what: string, pattern: RegExp][] = [
  ['the number of an issue', /(?:^|[\s(])(?:[\w.-]+\/[\w.-]+)?#\d+\b|\b(?:issues?|pull)[ /]\d+\b/i],
  ['the host of a package registry', /\b(?:registry|npm|packages?|mirror|proxy)\.[\w-]+\.\w{2,}\b/i],
  ['a path of one machine', /(?:^|[\s"'`(=])(?:\/(?:home|root|Users|work|mnt|workspaces?)\b|[A-Z]:\\)/],
]

describe.each(files)('%s', (file) => {
  const text = readFileSync(path.join(root, file), 'utf8')

  test.each(foreign)('does not name %s', (_, pattern) => {
    expect(text.split('\n').filter((line) => pattern.test(line))).toEqual([])
  })

  test('links to what is there', () => {
    // The template's links are those of the page that is made from it.
    const from = file === 'scripts/http-docs/template.md' ? 'docs/http.md' : file
    const broken = linksOf(text).filter(({ target }) => !leadsSomewhere(from, target))
    expect(broken).toEqual([])
  })
})

test.each([
  ['see #12', 0],
  ['fixed in issue 12', 0],
  ['registry.example.com/sotto', 1],
  ['from https://npm.example.org', 1],
  ['cd /home/someone/sotto', 2],
  ['`/work/sotto`', 2],
])('%s would be noticed', (line, kind) => {
  expect(line).toMatch(foreign[kind]?.[1] ?? '')
})

test.each(['[errors](#errors)', 'page #, 1', 'POST /v1/users', './data/sotto.db', 'npm install @sotto/sdk'])(
  '%s is fine',
  (line) => {
    for (const [, pattern] of foreign) expect(line).not.toMatch(pattern)
  },
)

function leadsSomewhere(from: string, target: string): boolean {
  if (/^[a-z]+:/.test(target)) return true
  const [file = '', anchor] = target.split('#')
  const found = file ? path.join(root, path.dirname(from), file) : path.join(root, from)
  if (!existsSync(found)) return false
  return anchor === undefined || anchorsOf(readFileSync(found, 'utf8')).includes(anchor)
}
