import { gzipSync } from 'node:zlib'
import type { InputOptions, OutputChunk, RolldownBuild } from 'rolldown'
import { rolldown } from 'rolldown'
import { httpLink } from '../../scripts/http-link.ts'
import { packageRoot } from './commands.ts'

/** A program bundled for a browser, by file name. */
type Bundle = ReadonlyMap<string, OutputChunk>

/** Bundles a program that imports the sources of this package, with the dependencies of the lock file. */
export async function bundleOf(program: string): Promise<Bundle> {
  await using build = await buildOf(program)
  const { output } = await build.generate({ format: 'esm', minify: true })
  return new Map(output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file]] : [])))
}

/**
 * The same as one script in the syntax of 2017, to which React Native's bundler reduces most of it. Without the part that
 * only pages of browsers load.
 */
export async function scriptOf(program: string): Promise<string> {
  await using build = await buildOf(program, { transform: { target: 'es2017' } })
  const { output } = await build.generate({ format: 'iife', codeSplitting: false })
  return output[0].code
}

async function buildOf(program: string, options: InputOptions = {}): Promise<RolldownBuild> {
  const entry = '\0program.ts'
  const httpLinkCode = await publishedHttpLink()
  return await rolldown({
    ...options,
    input: entry,
    cwd: packageRoot,
    platform: 'browser',
    plugins: [
      {
        name: 'program',
        resolveId(id) {
          if (id === entry) return id
          const [, name] = /^@sotto\/sdk(?:\/(.*))?$/.exec(id) ?? []
          return id.startsWith('@sotto/sdk') ? `${packageRoot}/src/${name ?? 'index'}.ts` : null
        },
        load(id) {
          if (id === entry) return program
          if (id === httpLink.input) return httpLinkCode
          return options.transform && id.endsWith('/shared-events.ts') ? 'export {}' : null
        },
      },
    ],
  })
}

/** tRPC's code, as the build of the package includes it. */
async function publishedHttpLink(): Promise<string> {
  await using build = await rolldown(httpLink)
  const { output } = await build.generate()
  return output[0].code
}

/** The gzipped bytes that a browser downloads at the start, and with the parts of the client that match. */
export function downloadOf(bundle: Bundle, parts: RegExp = /^$/): number {
  const loaded = new Set<string>()
  function load(name: string): void {
    const chunk = bundle.get(name)
    if (!chunk || loaded.has(name)) return
    loaded.add(name)
    for (const imported of chunk.imports) load(imported)
    for (const imported of chunk.dynamicImports) if (parts.test(imported)) load(imported)
  }
  for (const [name, { isEntry }] of bundle) if (isEntry) load(name)
  return [...loaded].reduce((sum, name) => sum + gzipSync(bundle.get(name)?.code ?? '').byteLength, 0)
}
