#!/usr/bin/env node

// No static imports: an unsupported Node could not load them, and would report that instead of its version.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 15)) {
  process.stderr.write(`sotto: requires Node 22.15 or newer, but this is Node ${process.versions.node}\n`)
  process.exit(1)
}

const { enableCompileCache } = await import('node:module')
// Before any other import: compiling the sources takes a large part of the startup time.
enableCompileCache()
const { run } = await import('./cli/cli.ts')

process.exitCode = await run(process.argv.slice(2), process)

export {}
