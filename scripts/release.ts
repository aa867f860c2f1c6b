import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Bump, isReleased, isVersion, nextVersion, releaseChangelog } from './changelog.ts'
import { packageProblems } from './check-package.ts'
import { cleanEnvironment, publishedNames, publishedPackages, run, tarballName } from './pack.ts'

const USAGE = `pnpm release [patch | minor | major | <version>] [--dry-run]

Releases the last commit: all packages under one version, what CHANGELOG.md has under "Unreleased" as its notes.
Without a version, the current one if it was never released, else the next minor.

  --dry-run   do everything but publish, commit and tag; leave the tree as it is

A release that failed while publishing goes on with \`pnpm release\`: what is published already is left out.`

const root = path.join(import.meta.dirname, '..')

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { 'dry-run': { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  if (values.help) {
    console.log(USAGE)
    return
  }
  const isDryRun = values['dry-run']
  if (positionals.length > 1) throw new Error(USAGE)

  const dirty = await git('status', '--porcelain')
  if (dirty && !isDryRun)
    throw new Error('there are changes that are not committed; a release is what is committed')
  if (dirty) console.log('Changes that are not committed are not part of this.')

  // Whatever fails, and Ctrl-C too, ends in the removal of the tree below; the commands it runs get the signal.
  process.on('SIGINT', () => {})
  await using tree = await createTree()
  const { version, isGoingOn } = await writeVersion(tree.path, positionals[0])
  console.log(`${isGoingOn ? 'Going on with' : 'Releasing'} ${version}${isDryRun ? ' (dry run)' : ''}`)

  const tarballs = await buildAndCheck(tree.path, version)
  if (isDryRun) {
    for (const tarball of tarballs) await publish(tarball, version, '--dry-run')
    console.log('Dry run: nothing was published, committed or tagged.')
    return
  }
  if (!isGoingOn) await commit(tree.path, version)
  for (const [index, name] of publishedNames.entries()) {
    if (await isPublished(name, version)) console.log(`${name} ${version} is published already`)
    else await publish(tarballs[index] ?? '', version)
  }
  console.log(`Released ${version}. Push it: git push --follow-tags`)
}

function git(...args: string[]): Promise<string> {
  return run(root, ['git', ...args])
}

/** The last commit in a folder of its own, so that nothing else gets into a release and the tree is left alone. */
async function createTree(): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sotto-release-'))
  const tree = path.join(folder, 'tree')
  await git('worktree', 'add', '--quiet', '--detach', tree, 'HEAD')
  return {
    path: tree,
    async [Symbol.asyncDispose]() {
      await git('worktree', 'remove', '--force', tree)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Writes the new version into the manifests and the changelog, unless the last commit has done so. */
async function writeVersion(
  tree: string,
  wish: string | undefined,
): Promise<{ version: string; isGoingOn: boolean }> {
  const manifests = Object.values(publishedPackages).map((folder) => path.join(tree, folder, 'package.json'))
  const texts = await Promise.all(manifests.map((file) => readFile(file, 'utf8')))
  const versions = new Set(texts.map((text): string => JSON.parse(text).version))
  const [current = '', ...others] = versions
  if (others.length > 0) throw new Error(`the packages have different versions: ${[...versions].join(', ')}`)

  const isTagged = (await git('tag', '--points-at', 'HEAD')).split('\n').includes(`v${current}`)
  if (isTagged && wish === undefined) return { version: current, isGoingOn: true }

  const changelogFile = path.join(tree, 'CHANGELOG.md')
  const changelog = await readFile(changelogFile, 'utf8')
  const version = wishedVersion(wish, current, isReleased(changelog, current))
  const today = new Date().toISOString().slice(0, 10)
  await writeFile(changelogFile, releaseChangelog(changelog, version, today))
  for (const [index, file] of manifests.entries()) {
    const text = texts[index] ?? ''
    await writeFile(file, text.replace(`"version": "${current}"`, `"version": "${version}"`))
  }
  const dockerfile = path.join(tree, 'docker/Dockerfile')
  const recipe = await readFile(dockerfile, 'utf8')
  await writeFile(dockerfile, recipe.replace(`ARG VERSION=${current}`, `ARG VERSION=${version}`))
  return { version, isGoingOn: false }
}

function wishedVersion(wish: string | undefined, current: string, isCurrentReleased: boolean): string {
  if (wish === undefined) return isCurrentReleased ? nextVersion(current, 'minor') : current
  if (isVersion(wish)) return wish
  const bumps: readonly string[] = ['major', 'minor', 'patch'] satisfies Bump[]
  // What is one of these strings is a Bump.
  if (bumps.includes(wish)) return nextVersion(current, wish as Bump)
  throw new Error(`${wish} is neither ${bumps.join(', ')} nor a version`)
}

/** @returns the tarballs, in the order of publishedNames. */
async function buildAndCheck(tree: string, version: string): Promise<string[]> {
  await run(tree, ['npx', '-y', 'pnpm@12', 'install', '--frozen-lockfile'])
  for (const folder of Object.values(publishedPackages)) {
    await copyFile(path.join(tree, 'CHANGELOG.md'), path.join(tree, folder, 'CHANGELOG.md'))
  }
  const destination = path.join(tree, '..')
  await run(tree, [process.execPath, 'scripts/pack.ts', destination])
  const problems: string[] = []
  const tarballs: string[] = []
  for (const name of publishedNames) {
    const tarball = path.join(destination, tarballName(name, version))
    const bytes = await readFile(tarball)
    for (const problem of await packageProblems(bytes)) problems.push(`${name}: ${problem}`)
    console.log(`${path.basename(tarball)}  ${Math.ceil(bytes.byteLength / 1024)} KiB`)
    tarballs.push(tarball)
  }
  if (problems.length > 0) throw new Error(`not in order:\n${problems.join('\n')}`)
  return tarballs
}

/** Before anything is published, so that what is published can always be found in the history. */
async function commit(tree: string, version: string): Promise<void> {
  await run(tree, ['git', 'commit', '--quiet', '--all', '--message', `Release ${version}`])
  const id = (await run(tree, ['git', 'rev-parse', 'HEAD'])).trim()
  await git('merge', '--quiet', '--ff-only', id)
  await git('tag', '--annotate', `v${version}`, '--message', `Release ${version}`, id)
}

async function isPublished(name: string, version: string): Promise<boolean> {
  try {
    return (await run(root, ['npm', 'view', `${name}@${version}`, 'version'])).trim() === version
  } catch {
    // Unknown to the registry, or no answer: then publishing says why it fails.
    return false
  }
}

/** With this terminal, where the registry may ask for a one-time password. */
async function publish(tarball: string, version: string, ...options: string[]): Promise<void> {
  const tag = version.includes('-') ? 'next' : 'latest'
  const args = [
    '-y',
    'pnpm@12',
    'publish',
    tarball,
    '--access=public',
    `--tag=${tag}`,
    '--no-git-checks',
    ...options,
  ]
  const child = spawn('npx', args, { cwd: root, env: cleanEnvironment(), stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${path.basename(tarball)} was not published`)
}

await main().catch((error: unknown) => {
  console.error(`release: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
