import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { packageProblems } from './check-package.ts'
import { cleanEnvironment, run } from './pack.ts'

const USAGE = `pnpm release [--dry-run]

Publishes the versions of the last commit that are not published yet, and tags them. It packs them in a clean
checkout and checks the packages first. Run it again if it fails halfway.

  --dry-run   pack and check only`

const root = path.join(import.meta.dirname, '..')

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { 'dry-run': { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  })
  if (values.help) {
    console.log(USAGE)
    return
  }
  const isDryRun = values['dry-run']
  if (!isDryRun) await requireReleasable()

  // Running commands also receive Ctrl-C and fail, which removes the checkout.
  process.on('SIGINT', () => {})
  await using checkout = await createCheckout()
  await run(checkout.path, ['npx', '-y', 'pnpm@12', 'install', '--frozen-lockfile'])
  const packed = path.join(checkout.path, '../packed')
  await changeset(checkout.path, 'pack', '--out-dir', packed)
  await checkPackages(path.join(packed, 'packages'))
  if (isDryRun) console.log('Dry run: nothing was published.')
  else await changeset(checkout.path, 'publish', '--from-pack-dir', packed)
}

/** Published code must be committed and in the changelogs. */
async function requireReleasable(): Promise<void> {
  if (await run(root, ['git', 'status', '--porcelain'])) throw new Error('there are uncommitted changes')
  const files = await readdir(path.join(root, '.changeset'))
  if (files.some((file) => file.endsWith('.md'))) {
    throw new Error('there are unreleased changesets; run `pnpm release:version` and commit the result first')
  }
}

/** Checks out the last commit in a new directory, so that uncommitted files cannot get into a package. */
async function createCheckout(): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sotto-release-'))
  const checkout = path.join(folder, 'checkout')
  await run(root, ['git', 'worktree', 'add', '--quiet', '--detach', checkout, 'HEAD'])
  return {
    path: checkout,
    async [Symbol.asyncDispose]() {
      await run(root, ['git', 'worktree', 'remove', '--force', checkout])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Uses this terminal, because the registry may ask for a one-time password. */
async function changeset(cwd: string, ...args: string[]): Promise<void> {
  const command = ['-y', 'pnpm@12', 'exec', 'changeset', ...args]
  const child = spawn('npx', command, { cwd, env: cleanEnvironment(), stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`changeset ${args[0]} failed`)
}

async function checkPackages(folder: string): Promise<void> {
  const problems: string[] = []
  for (const file of await readdir(folder)) {
    const bytes = await readFile(path.join(folder, file))
    for (const problem of await packageProblems(bytes)) problems.push(`${file}: ${problem}`)
    console.log(`${file}  ${Math.ceil(bytes.byteLength / 1024)} KiB`)
  }
  if (problems.length > 0) throw new Error(`the packages have problems:\n${problems.join('\n')}`)
}

await main().catch((error: unknown) => {
  console.error(`release: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
