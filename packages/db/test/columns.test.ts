import { glob, readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'

/*
 * A statement that was prepared with `select *` fails when a newer server has added a column: PostgreSQL refuses to
 * change what a cached plan answers. So queries name their columns, but for those of rows that they make themselves.
 */

const source = path.join(import.meta.dirname, '../src')

test('queries name the columns that they read', async () => {
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
