import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Plugin } from 'rolldown'
import { defineConfig } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'
import manifest from './package.json' with { type: 'json' }

/** What is installed beside this package. The contract and the database are not: the bundle holds them. */
const external = [/^node:/, ...Object.keys(manifest.dependencies).map((name) => new RegExp(`^${name}($|/)`))]

/** Where tsconfig.build.json puts the declarations of this package and of what is bundled with it. */
const declarations = path.resolve('node_modules/.types')

/** The declarations of the bundled packages instead of their sources: no bundler can infer zod's types. */
const bundledDeclarations: Plugin = {
  name: 'bundled-declarations',
  resolveId: {
    order: 'pre',
    handler(id) {
      const name = /^@sotto\/(contract|db)$/.exec(id)?.[1]
      return name ? path.join(declarations, 'packages', name, 'src/index.d.ts') : null
    },
  },
}

/** The web client and the reference, as their own build has left them. */
const webPages: Plugin = {
  name: 'web-pages',
  async generateBundle() {
    const folder = path.resolve('node_modules/@sotto/web/dist')
    for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue
      const from = path.join(file.parentPath, file.name)
      const fileName = path.posix.join('web', ...path.relative(folder, from).split(path.sep))
      this.emitFile({ type: 'asset', fileName, source: await readFile(from) })
    }
  },
}

export default defineConfig([
  {
    input: ['src/index.ts', 'src/main.ts'],
    platform: 'node',
    external,
    plugins: [webPages],
    // The oldest Node that the dependencies run on; it does not know `await using`.
    transform: { target: 'node22' },
    output: { dir: 'dist', cleanDir: true },
  },
  {
    input: {
      index: path.join(declarations, 'apps/server/src/index.d.ts'),
    },
    external,
    plugins: [bundledDeclarations, dts({ dtsInput: true, generator: 'oxc', tsconfig: false })],
    output: { dir: 'dist', banner: '/// <reference lib="esnext.disposable" />' },
  },
])
