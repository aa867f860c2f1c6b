#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// Before any other import: compiling the sources takes a large part of the startup time.
enableCompileCache()
const { run } = await import('./cli/cli.ts')

process.exitCode = await run(process.argv.slice(2), process)
