import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { createPackageFromTarballData } from '@arethetypeswrong/core'
import { expect, it } from 'vitest'
import { packedFolder } from '../../../scripts/consumer/packed.ts'

it('marks its modules as client components', async () => {
  const file = (await readdir(packedFolder)).find((name) => name.startsWith('sotto-react-')) ?? ''
  const contents = createPackageFromTarballData(await readFile(path.join(packedFolder, file)))
  const modules = contents.listFiles().filter((name) => name.endsWith('.js'))
  expect(modules.length).toBeGreaterThan(1)
  const unmarked = modules.filter((name) => !/^['"]use client['"]/.test(contents.readFile(name)))
  expect(unmarked).toEqual([])
})
