import path from 'node:path'
import type { Plugin } from 'rolldown'
import { defineConfig } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'

const external = [/^@trpc\//, /^zod($|\/)/, 'superjson']

/** Where tsconfig.build.json puts the declarations of this package and of the contract. */
const declarations = path.resolve('node_modules/.types')

/** The contract's declarations instead of its source: no bundler can infer zod's types. */
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
      // Whoever takes one export gets one module, without the imports of the others.
      preserveModules: true,
      preserveModulesRoot: path.resolve('src'),
    },
  },
  {
    input: { index: path.join(declarations, 'sdk/src/index.d.ts') },
    external,
    plugins: [contractDeclarations, dts({ dtsInput: true, generator: 'oxc', tsconfig: false })],
    // tRPC's declarations name Disposable, which a compiler that is set to an older standard does not know.
    output: { dir: 'dist', banner: '/// <reference lib="esnext.disposable" />' },
  },
])
