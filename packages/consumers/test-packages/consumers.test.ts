import { cp, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type RunningServer, startServer } from '@sotto/testing/internal'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packedFolder } from '../../../scripts/consumer/packed.ts'
import {
  type ConsumerProject,
  createConsumerProject,
  usesNewestVersions,
} from '../../../scripts/consumer/project.ts'
import { createReactNative } from '../../../scripts/consumer/react-native.ts'
import { cleanEnvironment, run } from '../../../scripts/pack.ts'

const packageRoot = path.join(import.meta.dirname, '..')
const root = path.join(packageRoot, '../..')
const tools = path.join(packageRoot, 'node_modules')

let workspace: string
/** A project outside this repository in which the client and the hooks are installed. */
let project: ConsumerProject
let server: RunningServer

beforeAll(async () => {
  workspace = await mkdtemp(path.join(tmpdir(), 'sotto-consumers-'))
  project = await createConsumerProject(
    path.join(workspace, 'project'),
    path.join(packageRoot, 'test-packages/consumer'),
  )
  // The program that the client's own package tests run.
  await cp(path.join(root, 'packages/sdk/test-packages/consumer'), project.folder, { recursive: true })
  const tarballs = (await readdir(packedFolder)).filter((name) => /^sotto-(sdk|react)-/.test(name))
  const files = tarballs.map((name) => path.join(packedFolder, name))
  await project.install([...files, '@types/react', 'react'])

  server = await startServer('sqlite', { users: ['alice', 'bob'] })
}, 180_000)

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await rm(workspace, { recursive: true, force: true })
})

/** Runs a program with this version of Node in the project. @returns its output; throws with all output if it fails. */
function node(args: string[], extra: NodeJS.ProcessEnv = {}): Promise<string> {
  const env = cleanEnvironment({ SOTTO_URL: server.url, SOTTO_TOKEN: server.serviceKey, ...extra })
  for (const name of Object.keys(env))
    if (/^VITEST|^(NODE_ENV|NODE_OPTIONS|TEST)$/.test(name)) delete env[name]
  return run(project.folder, [process.execPath, ...args], { ...env, ...extra })
}

/** What React Native's Babel preset does. */
async function withOldSyntax(file: string): Promise<string> {
  await using build = await rolldown({
    input: file,
    context: 'globalThis',
    treeshake: false,
    transform: { target: 'es2017' },
  })
  const { output } = await build.generate({ format: 'iife', codeSplitting: false })
  return output[0].code
}

describe('TypeScript', () => {
  type Resolution = 'node16' | 'nodenext' | 'bundler'
  // tRPC's declarations require 5.7.
  it.each<[version: string, compiler: string, resolutions: Resolution[], checked: Resolution | undefined]>([
    ['5.4', path.join(tools, 'typescript-5.4'), ['node16', 'bundler'], undefined],
    ['6', path.join(tools, 'typescript-6'), ['bundler'], 'bundler'],
    // The SDK's own package tests use the others.
    ['7', path.join(root, 'node_modules/typescript'), ['node16'], 'node16'],
  ])('%s compiles programs in strict mode', async (version, compiler, resolutions, checked) => {
    const all: Resolution[] = ['node16', 'nodenext', 'bundler']
    const configs = (usesNewestVersions ? all : resolutions).map(async (moduleResolution) => {
      const compilerOptions = {
        module: moduleResolution === 'bundler' ? 'esnext' : moduleResolution,
        moduleResolution,
        target: 'es2022',
        lib: ['es2022', 'dom'],
        types: [],
        jsx: 'react-jsx',
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: moduleResolution !== checked,
        allowImportingTsExtensions: true,
        noEmit: true,
      }
      const name = `tsconfig.${version}.${moduleResolution}.json`
      await project.write(name, { compilerOptions, files: ['main.ts', 'types.tsx'] })
      return name
    })
    const flags = version === '7' ? ['--singleThreaded'] : []
    await node([path.join(compiler, 'bin/tsc'), '--build', ...(await Promise.all(configs)), ...flags])
  })
})

describe('a CommonJS program', () => {
  it('requires the packages', async () => {
    expect(JSON.parse(await node(['require.cjs']))).toEqual({ code: 'MESSAGE_NOT_FOUND', hook: 'function' })
  })
})

describe('Jest', () => {
  it('runs tests that import or require the packages', async () => {
    const jest = path.join(tools, 'jest/bin/jest.js')
    await node([jest, '--runInBand', '--json', '--outputFile=report.json', 'jest/'], {
      NODE_OPTIONS: '--experimental-vm-modules',
    })
    const report = await readFile(path.join(project.folder, 'report.json'), 'utf8')
    expect(JSON.parse(report)).toMatchObject({ numPassedTests: 2, numTotalTests: 2 })
  })
})

describe('Cloudflare Workers', () => {
  it('runs the client, also one that requests share', async () => {
    await using build = await rolldown({
      input: path.join(project.folder, 'worker.js'),
      platform: 'browser',
      external: ['cloudflare:workers'],
    })
    await build.write({ file: path.join(project.folder, 'worker.bundle.js'), codeSplitting: false })
    await project.write(
      'workerd.capnp',
      `using Workerd = import "/workerd/workerd.capnp";
      const config :Workerd.Config = (services = [
        (name = "main", worker = .worker),
        (name = "internet", network = (allow = ["local", "private", "public"])),
      ]);
      const worker :Workerd.Worker = (
        modules = [(name = "worker.js", esModule = embed "worker.bundle.js")],
        compatibilityDate = "2026-11-01",
        bindings = [
          (name = "SOTTO_URL", text = ${JSON.stringify(server.url)}),
          (name = "SOTTO_TOKEN", text = ${JSON.stringify(server.serviceKey)}),
          (name = "SELF", service = "main"),
        ],
      );`,
    )
    await node([path.join(tools, 'workerd/bin/workerd'), 'test', 'workerd.capnp'])
  })
})

describe('React Native', () => {
  it('runs the packages, bundled with a Metro that ignores `exports`, without polyfills', async () => {
    const metro = await realpath(path.join(tools, 'metro'))
    const runtime = path.dirname(
      createRequire(path.join(metro, 'x.js')).resolve('metro-runtime/package.json'),
    )
    const flags = ['--platform', 'ios', '--dev', 'false', '--minify', 'false', '--max-workers', '1']
    await node(
      [
        path.join(metro, 'src/cli.js'),
        ...['build', 'native.js', '--out', 'native.bundle.js', '--config', 'metro.config.cjs', ...flags],
      ],
      { METRO_RUNTIME: runtime },
    )
    using app = createReactNative()
    Object.assign(app.globals, { SOTTO_URL: server.url, SOTTO_TOKEN: server.serviceKey })
    app.run(await withOldSyntax(path.join(project.folder, 'native.bundle.js')))
    expect(await app.globals.code).toBe('MESSAGE_NOT_FOUND')
    expect(app.globals.hooks).toEqual(['function', 'function'])
  })
})
