import path from 'node:path'
import type { Plugin } from 'rolldown'
import { defineConfig } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'

const external = [/^@trpc\//, /^zod($|\/)/]

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

export default defineConfig([
  {
    input: 'src/index.ts',
    platform: 'neutral',
    external,
    output: {
      dir: 'dist',
      cleanDir: true,
      // Importing one export loads only its module, without the imports of others.
      preserveModules: true,
      preserveModulesRoot: path.resolve('src'),
    },
  },
  {
    input: { index: path.join(declarations, 'sdk/src/index.d.ts') },
    external,
    plugins: [contractDeclarations, dts({ dtsInput: true, generator: 'oxc', tsconfig: false })],
    // tRPC's declarations use Disposable, which compilers set to an older standard do not know.
    output: { dir: 'dist', banner: '/// <reference lib="esnext.disposable" />' },
  },
])
