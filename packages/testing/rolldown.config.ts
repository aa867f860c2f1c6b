import { defineConfig } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'
import manifest from './package.json' with { type: 'json' }

/** Dependencies are not bundled. */
const external = [/^node:/, ...Object.keys(manifest.dependencies)]

export default defineConfig([
  {
    input: 'src/index.ts',
    platform: 'node',
    external,
    // The oldest Node version the server supports. It does not support `await using`.
    transform: { target: 'node22' },
    output: { dir: 'dist', cleanDir: true },
  },
  {
    input: { index: 'node_modules/.types/index.d.ts' },
    external,
    plugins: [dts({ dtsInput: true, generator: 'oxc', tsconfig: false })],
    output: { dir: 'dist', banner: '/// <reference lib="esnext.disposable" />' },
  },
])
