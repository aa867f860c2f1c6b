import { createHash } from 'node:crypto'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

// Builds the client if its sources changed since the last build. `pnpm start` runs this first.

const root = path.join(import.meta.dirname, '../../..')
const stampFile = path.join(root, 'apps/web/dist/.sources')

/** All inputs of the build. The lock file represents the installed dependencies. */
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
    // Vite would keep another NODE_ENV from the environment, and bundle React's development build.
    process.env.NODE_ENV = 'production'
    // Imported on demand: most starts do not build.
    const { build } = await import('vite')
    await build({ root: path.join(root, 'apps/web'), logLevel: 'warn' })
    writeFileSync(stampFile, hash)
  } catch (error) {
    // The server also runs without the client.
    console.error(
      'Building the web client failed. The server serves the previous build, if there is one.',
      error,
    )
  }
}
