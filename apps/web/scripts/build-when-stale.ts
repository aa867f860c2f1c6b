import { createHash } from 'node:crypto'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

// `pnpm start` serves the client as its sources are: this builds it where they are not those of the last build.

const root = path.join(import.meta.dirname, '../../..')
const stampFile = path.join(root, 'apps/web/dist/.sources')

/** Everything that the built client is made of; the lock file stands for what is installed. */
const SOURCES = [
  'apps/web/{src,scripts}/**/*.*',
  'apps/web/{index.html,docs.html,package.json,vite.config.ts}',
  'packages/{contract,react,sdk}/src/**/*.*',
  'pnpm-lock.yaml',
]

function hashOfSources(): string {
  const hash = createHash('sha256')
  for (const file of globSync(SOURCES, { cwd: root }).sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(root, file)))
      .update('\0')
  }
  return hash.digest('hex')
}

function readStamp(): string | undefined {
  try {
    return readFileSync(stampFile, 'utf8')
  } catch {
    return undefined
  }
}

const hash = hashOfSources()
if (readStamp() !== hash) {
  try {
    // React has two builds, and this is not for its developers, whoever starts it.
    process.env.NODE_ENV = 'production'
    // Loaded only when it is needed: most starts do without.
    const { build } = await import('vite')
    await build({ root: path.join(root, 'apps/web'), logLevel: 'warn' })
    writeFileSync(stampFile, hash)
  } catch (error) {
    // The server is worth starting without it.
    console.error('The web client could not be built; it is not served, or as it was built before.', error)
  }
}
