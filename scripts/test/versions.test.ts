import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { publishedNames } from '../pack.ts'

const root = path.join(import.meta.dirname, '../..')

test('the image has the version of the server', async () => {
  const { version } = JSON.parse(await readFile(path.join(root, 'apps/server/package.json'), 'utf8'))
  expect(await readFile(path.join(root, 'docker/Dockerfile'), 'utf8')).toContain(`\nARG VERSION=${version}\n`)
})

test('changesets give all published packages the same version', async () => {
  const { fixed } = JSON.parse(await readFile(path.join(root, '.changeset/config.json'), 'utf8'))
  expect(fixed).toEqual([publishedNames])
})
