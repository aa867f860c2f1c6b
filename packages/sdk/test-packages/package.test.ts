import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { createClient } from '@sotto/sdk'
import { type ServerProcess, spawnServer } from '@sotto/testing/internal'
import { publint } from 'publint'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packedFolder } from '../../../scripts/consumer/packed.ts'
import {
  type ConsumerProject,
  createConsumerProject,
  usesNewestVersions,
} from '../../../scripts/consumer/project.ts'
import { bin, packageRoot, run } from '../test/support/commands.ts'

const SERVICE_KEY = `sk_${'sdk-test-'.repeat(5)}`

let server: ServerProcess
let workspace: string
let tarball: Buffer
/** A project outside this repository with the tarball installed. */
let project: ConsumerProject
/** The project's program, bundled for a browser. */
let bundle: string
/** What npm has installed for it, without anything else in the project. */
let alone: string[]

beforeAll(async () => {
  workspace = await mkdtemp(path.join(tmpdir(), 'sotto-sdk-'))
  const file = (await readdir(packedFolder)).find((name) => name.startsWith('sotto-sdk-')) ?? ''
  tarball = await readFile(path.join(packedFolder, file))

  project = await createConsumerProject(
    path.join(workspace, 'project'),
    path.join(packageRoot, 'test-packages/consumer'),
  )
  // Alone, because it must not bring anything but what it uses.
  await project.install([path.join(packedFolder, file)])
  alone = await readdir(path.join(project.folder, 'node_modules'))
  await linkTypes(project)

  server = await spawnServer({ SOTTO_SERVICE_KEY: SERVICE_KEY })
  await project.write('where.ts', `export const url = '${server.url}', token = '${SERVICE_KEY}'\n`)
  bundle = await bundled(path.join(project.folder, 'main.ts'))
  await project.write('bundle.js', bundle)
}, 180_000)

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await rm(workspace, { recursive: true, force: true })
})

/** Makes Node's types available. Links them, because npm takes seconds. */
async function linkTypes({ folder }: ConsumerProject): Promise<void> {
  await symlink(path.join(packageRoot, 'node_modules/@types'), path.join(folder, 'node_modules/@types'))
}

/** Bundles the program and its imports into one file for a browser. */
async function bundled(input: string): Promise<string> {
  await using build = await rolldown({ input, platform: 'browser' })
  const { output } = await build.generate({ format: 'esm', minify: true, codeSplitting: false })
  expect(output).toHaveLength(1)
  expect(output[0].imports).toEqual([])
  return output[0].code
}

describe('the package', () => {
  it('resolves correctly in every module resolution mode', async () => {
    const { buffer, byteOffset, byteLength } = tarball
    const pack = { tarball: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer }
    expect((await publint({ pack, strict: true })).messages).toEqual([])

    const analysis = await checkPackage(createPackageFromTarballData(tarball))
    // ESM only: `require` works if require(esm) is supported, and node10 does not support `exports`.
    const byDesign = ['CJSResolvesToESM', 'NoResolution']
    expect(analysis.types).toMatchObject({ kind: 'included' })
    expect(
      'problems' in analysis && analysis.problems.filter(({ kind }) => !byDesign.includes(kind)),
    ).toEqual([])
  })

  it('brings neither TypeScript nor tRPC', () => {
    expect(alone.filter((name) => !name.startsWith('.')).sort()).toEqual(['@sotto', 'zod'])
  })

  it('imports only its dependencies', async () => {
    const root = path.join(project.folder, 'node_modules/@sotto/sdk')
    const { dependencies, peerDependencies } = JSON.parse(
      await readFile(path.join(root, 'package.json'), 'utf8'),
    )
    const allowed = Object.keys({ ...dependencies, ...peerDependencies })
    expect(allowed.sort()).toEqual(['@trpc/server', 'zod'])

    const names = new Set<string>()
    for (const file of await readdir(root, { recursive: true })) {
      if (!/\.(js|ts)$/.test(file)) continue
      const source = await readFile(path.join(root, file), 'utf8')
      for (const [, name = ''] of source.matchAll(
        /(?:from|import\(|import|require\()\s*["']([^."'][^"']*)["']/g,
      )) {
        names.add(name.split('/', name.startsWith('@') ? 2 : 1).join('/'))
      }
    }
    expect([...names].sort()).toEqual(allowed)
  })
})

describe('a project that installs it', () => {
  type Module = 'nodenext' | 'esnext'
  const libraries: [where: string, library: object, usual: Module][] = [
    ['in a browser', { lib: ['es2022', 'dom'], types: [] }, 'esnext'],
    ['in Node', { lib: ['es2022'], types: ['node'] }, 'nodenext'],
    ["with the compiler's default libraries", { types: ['node'] }, 'nodenext'],
  ]
  it.each(libraries)('compiles %s with all declarations checked', async (_, library, usual) => {
    const all: Module[] = ['nodenext', 'esnext']
    for (const module of usesNewestVersions ? all : [usual]) {
      const compilerOptions = {
        ...library,
        module,
        moduleResolution: module === 'nodenext' ? module : 'bundler',
        target: 'es2022',
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        allowImportingTsExtensions: true,
        noEmit: true,
      }
      await project.write('tsconfig.json', { compilerOptions, files: ['main.ts'] })
      await run(project.folder, bin('tsc'), '-p', '.', '--singleThreaded')
    }
  })

  it('works with a plain tRPC client, once tRPC is installed', async () => {
    const trpc = await createConsumerProject(
      path.join(workspace, 'trpc'),
      path.join(packageRoot, 'test-packages/consumer'),
    )
    const tarballs = (await readdir(packedFolder)).filter((name) => name.startsWith('sotto-sdk-'))
    await trpc.install([
      ...tarballs.map((name) => path.join(packedFolder, name)),
      ...['@trpc/client', '@trpc/server'],
    ])
    await linkTypes(trpc)
    await trpc.write('where.ts', `export const url = '${server.url}', token = '${SERVICE_KEY}'\n`)
    const compilerOptions = {
      ...{ module: 'nodenext', target: 'es2022', types: ['node'], strict: true, skipLibCheck: false },
      ...{ exactOptionalPropertyTypes: true, allowImportingTsExtensions: true, noEmit: true },
    }
    await trpc.write('tsconfig.json', { compilerOptions, files: ['trpc.ts'] })
    await run(trpc.folder, bin('tsc'), '-p', '.', '--singleThreaded')
    await createClient({ url: server.url, token: SERVICE_KEY }).users.create({ username: 'first' })
    expect(JSON.parse(await run(trpc.folder, process.execPath, 'trpc.ts'))).toEqual({ isDate: true })
  })

  it('bundles it for a browser without schemas or Node modules', async () => {
    expect(bundle).not.toMatch(/\bZod|node:|\bBuffer\b|\bprocess\./)
  })

  const net = () => `--allow-net=${new URL(server.url).host}`
  const runtimes: [string, () => [string, ...string[]]][] = [
    ['Node', () => [process.execPath, 'main.ts']],
    ['Bun', () => [bin('bun'), 'main.ts']],
    ['Deno', () => [bin('deno'), 'run', '--no-prompt', net(), 'main.ts']],
    // Network access only, like a page.
    ['Deno from the bundle', () => [bin('deno'), 'run', '--no-prompt', '--no-config', net(), 'bundle.js']],
  ]
  it.each(runtimes)('runs it on %s against a server', async (_, command) => {
    const [program, ...args] = command()
    expect(JSON.parse(await run(project.folder, program, ...args))).toEqual({
      types: expect.arrayContaining(['conversation.created', 'message.created']),
      texts: ['3', '2', '1', 'hello'],
      unread: 4,
      isDate: true,
      code: 'MESSAGE_NOT_FOUND',
      signedParts: 3,
    })
  })
})
