import { defineConfig } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'
import manifest from './package.json' with { type: 'json' }

/** Peer dependencies, including their subpaths, are not bundled. */
const external = Object.keys(manifest.peerDependencies).map((name) => new RegExp(`^${name}($|/)`))

export default defineConfig([
  {
    input: 'src/index.ts',
    platform: 'neutral',
    external,
    output: {
      dir: 'dist',
      cleanDir: true,
      preserveModules: true,
      preserveModulesRoot: 'src',
      // Frameworks with server components must not run the hooks there.
      banner: "'use client'",
    },
  },
  {
    input: { index: 'node_modules/.types/react/src/index.d.ts' },
    external,
    plugins: [dts({ dtsInput: true, generator: 'oxc', tsconfig: false })],
    output: { dir: 'dist' },
  },
])
