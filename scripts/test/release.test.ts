import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isReleased, nextVersion, releaseChangelog } from '../changelog.ts'
import { run } from '../pack.ts'

const root = path.join(import.meta.dirname, '../..')

describe('the changelog', () => {
  const changelog =
    '# Changelog\n\n## Unreleased\n\n### Added\n\n- One.\n\n## 0.1.0 - 2026-01-01\n\n- None.\n'

  test('gives what is unreleased to the version and keeps the rest', () => {
    expect(releaseChangelog(changelog, '0.2.0', '2026-02-03')).toBe(
      '# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-02-03\n\n### Added\n\n- One.\n\n## 0.1.0 - 2026-01-01\n\n- None.\n',
    )
  })

  test('refuses a release of nothing and a second one of the same version', () => {
    const released = releaseChangelog(changelog, '0.2.0', '2026-02-03')
    expect(() => releaseChangelog(released, '0.3.0', '2026-02-04')).toThrow('says nothing')
    expect(() => releaseChangelog(changelog, '0.1.0', '2026-02-04')).toThrow('0.1.0 already')
    expect([isReleased(released, '0.2.0'), isReleased(released, '0.2')]).toEqual([true, false])
  })

  test.each([
    ['0.1.2', 'patch', '0.1.3'],
    ['0.1.2', 'minor', '0.2.0'],
    ['0.1.2', 'major', '1.0.0'],
    ['1.0.0-beta.1', 'patch', '1.0.0'],
  ] as const)('%s and a %s is %s', (current, bump, next) => {
    expect(nextVersion(current, bump)).toBe(next)
  })
})

test('the image says the version of what is in it', async () => {
  const { version } = JSON.parse(await readFile(path.join(root, 'apps/server/package.json'), 'utf8'))
  expect(await readFile(path.join(root, 'docker/Dockerfile'), 'utf8')).toContain(`\nARG VERSION=${version}\n`)
})

describe('pnpm release', () => {
  let workshop: string
  let clone: string

  beforeAll(async () => {
    workshop = await mkdtemp(path.join(tmpdir(), 'sotto-release-test-'))
    clone = path.join(workshop, 'clone')
    await run(root, ['git', 'clone', '--quiet', root, clone])
    await symlink(path.join(root, 'node_modules'), path.join(clone, 'node_modules'))
    await writeFile(path.join(clone, '.git/info/exclude'), 'node_modules\n')
    // What is being tested may not be committed yet.
    const files = await run(root, ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z'])
    for (const file of files.split('\0').filter(Boolean)) {
      await cp(path.join(root, file), path.join(clone, file)).catch(() =>
        rm(path.join(clone, file), { force: true }),
      )
    }
    await run(clone, ['git', 'config', 'user.name', 'Test'])
    await run(clone, ['git', 'config', 'user.email', 'test@example.com'])
    await run(clone, ['git', 'add', '--all'])
    await run(clone, ['git', 'commit', '--quiet', '--allow-empty', '--message', 'Under test'])
  })

  afterAll(async () => {
    await rm(workshop, { recursive: true, force: true })
  })

  function release(...args: string[]): Promise<string> {
    return run(clone, [process.execPath, 'scripts/release.ts', ...args])
  }

  /** Everything that a release could leave behind. */
  async function state(): Promise<string[]> {
    return [
      await run(clone, ['git', 'status', '--porcelain', '--ignored']),
      await run(clone, ['git', 'diff']),
      await run(clone, ['git', 'worktree', 'list']),
      await run(clone, ['git', 'for-each-ref']),
      await run(clone, ['git', 'rev-parse', 'HEAD']),
    ]
  }

  test('does everything but publish in a dry run, and leaves the tree as it was', async () => {
    await writeFile(path.join(clone, 'README.md'), 'Not committed.\n')
    const before = await state()

    const output = await release('7.8.9', '--dry-run')

    expect(await state()).toEqual(before)
    expect(await readFile(path.join(clone, 'README.md'), 'utf8')).toBe('Not committed.\n')
    for (const name of ['@sotto/sdk', '@sotto/server', '@sotto/testing']) {
      expect(output).toContain(`${name}@7.8.9`)
    }
  }, 240_000)

  test('refuses what is not committed, and a version that is none', async () => {
    await writeFile(path.join(clone, 'README.md'), 'Not committed.\n')
    const before = await state()

    await expect(release()).rejects.toThrow('release: there are changes that are not committed')
    await expect(release('tomorrow', '--dry-run')).rejects.toThrow('release: tomorrow is neither')

    expect(await state()).toEqual(before)
  })
})
