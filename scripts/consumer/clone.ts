import { cp, rm } from 'node:fs/promises'
import path from 'node:path'
import { run } from '../pack.ts'

const root = path.join(import.meta.dirname, '../..')

/** Clones this repository into `folder`, with the changes that are not committed yet, but without ignored files. */
export async function cloneUnderTest(folder: string): Promise<void> {
  await run(root, ['git', 'clone', '--quiet', root, folder])
  const files = await run(root, ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z'])
  for (const file of files.split('\0').filter(Boolean)) {
    await cp(path.join(root, file), path.join(folder, file)).catch(() =>
      rm(path.join(folder, file), { force: true }),
    )
  }
}
