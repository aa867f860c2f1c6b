import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Plugin } from 'rolldown'
import { defineConfig } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'
import { httpLink } from './scripts/http-link.ts'

const external = [/^@trpc\//, /^zod($|\/)/]
const entries = ['index', 'server', 'trpc']

/** Where tsconfig.build.json writes the declarations of this package and of the contract. */
const declarations = path.resolve('node_modules/.types')

/** Uses the contract's declarations instead of its source, because a bundler cannot infer zod's types. */
const contractDeclarations: Plugin = {
  name: 'contract-declarations',
  resolveId: {
    order: 'pre',
    handler: (id) => (id === '@sotto/contract' ? path.join(declarations, 'contract/src/index.d.ts') : null),
  },
}

/** Leaves tRPC's code to its own build below, which combines it into one file. */
const separateHttpLink: Plugin = {
  name: 'separate-http-link',
  resolveId: {
    order: 'pre',
    handler: (id) => (id === './http-link.ts' ? { id: './http-link.js', external: true } : null),
  },
}

/** The license that comes with the included code. */
const trpcLicense: Plugin = {
  name: 'trpc-license',
  async generateBundle() {
    const source = await readFile('node_modules/@trpc/client/LICENSE')
    this.emitFile({ type: 'asset', fileName: 'http-link.LICENSE.txt', source })
  },
}

export default defineConfig([
  {
    input: entries.map((name) => `src/${name}.ts`),
    platform: 'neutral',
    external,
    plugins: [separateHttpLink],
    output: {
      dir: 'dist',
      cleanDir: true,
      // Importing one export loads only its module, without the imports of others.
      preserveModules: true,
      preserveModulesRoot: path.resolve('src'),
    },
  },
  {
    ...httpLink,
    plugins: [trpcLicense],
    output: { dir: 'dist', banner: '/* From @trpc/client and @trpc/server: see http-link.LICENSE.txt. */' },
  },
  {
    input: Object.fromEntries(entries.map((name) => [name, path.join(declarations, `sdk/src/${name}.d.ts`)])),
    external,
    plugins: [contractDeclarations, dts({ dtsInput: true, generator: 'oxc', tsconfig: false })],
    // tRPC's declarations use Disposable, which compilers set to an older standard do not know.
    output: { dir: 'dist', banner: '/// <reference lib="esnext.disposable" />' },
  },
])
