import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

// Part of `pnpm release:version`: sets the version of the image to that of the server.

const root = path.join(import.meta.dirname, '..')
const manifest: { version: string } = JSON.parse(
  readFileSync(path.join(root, 'apps/server/package.json'), 'utf8'),
)
const dockerfile = path.join(root, 'docker/Dockerfile')
const recipe = readFileSync(dockerfile, 'utf8')
writeFileSync(dockerfile, recipe.replace(/^ARG VERSION=.*$/m, `ARG VERSION=${manifest.version}`))
