import { glob, readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'

/*
 * After a newer server has added a column, a statement prepared with `select *` fails: PostgreSQL does not allow the
 * result columns of a cached plan to change. So queries must name their columns, except when they select from rows they
 * build themselves.
 */

const source = path.join(import.meta.dirname, '../src')

test('queries name the columns they read', async () => {
  const found: string[] = []
  for await (const file of glob('**/*.ts', { cwd: source })) {
    const text = await readFile(path.join(source, file), 'utf8')
    for (const [all] of text.matchAll(
      /\b(select|returning)All\((?!'(given|missed)'\)).*|\bselect \*.*|\breturning \*.*/g,
    ))
      found.push(`${file}: ${all}`)
  }
  expect(found).toEqual([])
})
