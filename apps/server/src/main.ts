#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// Compiling the sources is a good part of the start; nothing else may be loaded before this.
enableCompileCache()
const { run } = await import('./cli/cli.ts')

process.exitCode = await run(process.argv.slice(2), process)
