import path from 'node:path'
import type { Plugin } from 'rolldown'
import { defineConfig } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'

const external = [/^@trpc\//, /^zod($|\/)/, 'superjson']

const contractTypes: Plugin = {
  name: 'contract-types',
  resolveId: {
    order: 'pre',
    handler: (id) => (id === '@sotto/contract' ? path.resolve('dist/types/contract/src/index.d.ts') : null),
  },
}

export default defineConfig([
  { input: 'src/index.ts', platform: 'neutral', external, output: { dir: 'dist', format: 'esm' } },
  {
    input: { index: 'dist/types/sdk/src/index.d.ts' },
    external,
    plugins: [contractTypes, dts({ dtsInput: true, generator: 'oxc', tsconfig: false })],
    output: { dir: 'dist', format: 'esm' },
  },
])
