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
  // Uncommitted deletions are still listed.
  .filter((file) => file && existsSync(path.join(root, file)))

/** References that mean nothing to readers of the repository. */
const foreign: [what: string, pattern: RegExp][] = [
  ['an issue number', /(?:^|[\s(])(?:[\w.-]+\/[\w.-]+)?#\d+\b|\b(?:issues?|pull)[ /]\d+\b/i],
  ['a registry host', /\b(?:registry|npm|packages?|mirror|proxy)\.[\w-]+\.\w{2,}\b/i],
  ['a machine-specific path', /(?:^|[\s"'`(=])(?:\/(?:home|root|Users|work|mnt|workspaces?)\b|[A-Z]:\\)/],
]

describe.each(files)('%s', (file) => {
  const text = readFileSync(path.join(root, file), 'utf8')

  test.each(foreign)('does not contain %s', (_, pattern) => {
    expect(text.split('\n').filter((line) => pattern.test(line))).toEqual([])
  })

  test('has no broken links', () => {
    // Links in the template are relative to the generated page.
    const from = file === 'scripts/http-docs/template.md' ? 'docs/http.md' : file
    const broken = linksOf(text).filter(({ target }) => !isValidLink(from, target))
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
])('the check detects "%s"', (line, kind) => {
  expect(line).toMatch(foreign[kind]?.[1] ?? '')
})

test.each(['[errors](#errors)', 'page #, 1', 'POST /v1/users', './data/sotto.db', 'npm install @sotto/sdk'])(
  'the check allows "%s"',
  (line) => {
    for (const [, pattern] of foreign) expect(line).not.toMatch(pattern)
  },
)

function isValidLink(from: string, target: string): boolean {
  if (/^[a-z]+:/.test(target)) return true
  const [file = '', anchor] = target.split('#')
  const found = file ? path.join(root, path.dirname(from), file) : path.join(root, from)
  if (!existsSync(found)) return false
  return anchor === undefined || anchorsOf(readFileSync(found, 'utf8')).includes(anchor)
}
