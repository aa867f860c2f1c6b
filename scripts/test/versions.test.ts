import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { publishedNames } from '../pack.ts'

const root = path.join(import.meta.dirname, '../..')

test('the image has the version of the server', async () => {
  const { version } = JSON.parse(await readFile(path.join(root, 'apps/server/package.json'), 'utf8'))
  expect(await readFile(path.join(root, 'docker/Dockerfile'), 'utf8')).toContain(`\nARG VERSION=${version}\n`)
})

test('pnpm checks packages against the version of Node that scripts run on', async () => {
  const workspace = parse(await readFile(path.join(root, 'pnpm-workspace.yaml'), 'utf8'))
  expect(workspace.nodeVersion).toBe(workspace.catalog.node)
})

test('main.ts names the oldest version of Node in package.json', async () => {
  const { engines } = JSON.parse(await readFile(path.join(root, 'apps/server/package.json'), 'utf8'))
  const main = await readFile(path.join(root, 'apps/server/src/main.ts'), 'utf8')
  expect(main).toContain(`requires Node ${engines.node.replace('>=', '')} or newer`)
})

test('changesets give all published packages the same version', async () => {
  const { fixed } = JSON.parse(await readFile(path.join(root, '.changeset/config.json'), 'utf8'))
  expect(fixed).toEqual([publishedNames])
})
