import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cloneUnderTest } from '../consumer/clone.ts'
import { packedFolder } from '../consumer/packed.ts'
import { cleanEnvironment, publishedNames, publishedPackages, run, tarballName } from '../pack.ts'

const root = path.join(import.meta.dirname, '../..')

describe('a release', () => {
  let workspace: string
  let clone: string
  let registry: Registry

  beforeAll(async () => {
    workspace = await mkdtemp(path.join(tmpdir(), 'sotto-release-test-'))
    clone = path.join(workspace, 'clone')
    registry = await startRegistry()
    await cloneUnderTest(clone)
    await symlink(path.join(root, 'node_modules'), path.join(clone, 'node_modules'))
    await writeFile(path.join(clone, '.git/info/exclude'), 'node_modules\n')
    await reuseBuilds()
    await appendFile(
      path.join(clone, '.npmrc'),
      `@sotto:registry=${registry.url}\n${registry.url.replace('http:', '')}:_authToken=test\n`,
    )
    await run(clone, ['git', 'config', 'user.name', 'Test'])
    await run(clone, ['git', 'config', 'user.email', 'test@example.com'])
    await commit('Under test')
  })

  afterAll(async () => {
    await registry[Symbol.asyncDispose]()
    await rm(workspace, { recursive: true, force: true })
  })

  /** Makes the packages of the clone unpack the builds of this test run, which were made in a clean clone too. */
  async function reuseBuilds(): Promise<void> {
    for (const name of publishedNames) {
      const file = path.join(clone, publishedPackages[name], 'package.json')
      const manifest = JSON.parse(await readFile(file, 'utf8'))
      const tarball = path.join(packedFolder, tarballName(name, manifest.version))
      manifest.scripts.build = `tar -xzf '${tarball}' --strip-components=1 package/dist`
      await writeFile(file, JSON.stringify(manifest))
    }
  }

  function release(...args: string[]): Promise<string> {
    return run(clone, [process.execPath, 'scripts/release.ts', ...args])
  }

  async function commit(message: string): Promise<void> {
    await run(clone, ['git', 'add', '--all'])
    await run(clone, ['git', 'commit', '--quiet', '--allow-empty', '--message', message])
  }

  /** Everything a release could leave behind, except tags. */
  async function state(): Promise<string[]> {
    return [
      await run(clone, ['git', 'status', '--porcelain', '--ignored']),
      await run(clone, ['git', 'worktree', 'list']),
      await run(clone, ['git', 'branch', '--all', '--verbose']),
    ]
  }

  test('publishes the version determined by the changesets, from the last commit only', async () => {
    await writeFile(
      path.join(clone, '.changeset/a-feature.md'),
      "---\n'@sotto/sdk': minor\n---\n\nA feature.\n",
    )
    await expect(release()).rejects.toThrow('release: there are uncommitted changes')
    await commit('Add a feature')
    await expect(release()).rejects.toThrow('release: there are unreleased changesets')

    const before = await versions()
    // The clone shares the node_modules of this checkout, so nothing may be installed into them.
    const env = cleanEnvironment({ PNPM_CONFIG_VERIFY_DEPS_BEFORE_RUN: 'false' })
    await run(clone, ['npx', '-y', 'pnpm@12', 'release:version'], env)
    const [version, ...others] = await versions()
    expect(before).not.toContain(version)
    expect(others).toEqual([version, version, version])
    expect(await readFile(path.join(clone, 'docker/Dockerfile'), 'utf8')).toContain(
      `ARG VERSION=${version}\n`,
    )
    expect(await readFile(path.join(clone, 'packages/sdk/CHANGELOG.md'), 'utf8')).toContain('A feature.')

    await commit(`Release ${version}`)
    const clean = await state()
    await release('--dry-run')
    expect(registry.published).toEqual([])
    expect(await state()).toEqual(clean)

    await release()
    expect(registry.published.toSorted()).toEqual(
      publishedNames.map((name) => `${name}@${version}`).toSorted(),
    )
    expect(await state()).toEqual(clean)
    const tags = await run(clone, ['git', 'tag', '--points-at', 'HEAD'])
    expect(tags.trim().split('\n')).toEqual(registry.published.toSorted())
  }, 300_000)

  async function versions(): Promise<string[]> {
    const manifests = Object.values(publishedPackages).map((folder) =>
      readFile(path.join(clone, folder, 'package.json'), 'utf8'),
    )
    return (await Promise.all(manifests)).map((text): string => JSON.parse(text).version)
  }
})

interface Registry extends AsyncDisposable {
  readonly url: string
  /** As `name@version`. */
  readonly published: readonly string[]
}

/** An npm registry without packages that accepts what is published. */
async function startRegistry(): Promise<Registry> {
  const published: string[] = []
  const server = createServer(async (request, response) => {
    if (request.method !== 'PUT') {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{}')
      return
    }
    let body = ''
    for await (const part of request) body += part
    const { name, versions } = JSON.parse(body)
    for (const version of Object.keys(versions)) published.push(`${name}@${version}`)
    response.writeHead(201, { 'content-type': 'application/json' }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server listening on TCP has an address.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    published,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
