import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packageProblems } from '../../../scripts/check-package.ts'
import { packedFolder } from '../../../scripts/consumer/packed.ts'
import { type ConsumerProject, createConsumerProject } from '../../../scripts/consumer/project.ts'
import { cleanEnvironment, publishedNames, run } from '../../../scripts/pack.ts'

const packageRoot = path.join(import.meta.dirname, '..')

let workspace: string
let tarballs: string[]
/** A project with only the packed packages of this repository. */
let project: ConsumerProject

beforeAll(async () => {
  workspace = await mkdtemp(path.join(tmpdir(), 'sotto-packages-'))
  project = await createConsumerProject(
    path.join(workspace, 'project'),
    path.join(packageRoot, 'test-packages/consumer'),
  )
  tarballs = (await readdir(packedFolder)).sort()
  const files = tarballs.map((name) => path.join(packedFolder, name))
  await project.install([
    ...files,
    ...['vitest', 'typescript', '@types/node', 'react', 'react-dom', '@types/react', '@types/react-dom'],
    // For a snippet of the SDK, which does not install it.
    '@trpc/client',
  ])
}, 180_000)

afterAll(async () => {
  await rm(workspace, { recursive: true, force: true })
})

function bin(name: string): string {
  return path.join(project.folder, 'node_modules/.bin', name)
}

/** The environment without the variables of the surrounding Vitest, and with this Node first on the path. */
function projectEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const entries = Object.entries(cleanEnvironment()).filter(
    ([name]) => !/^(VITEST|NODE_ENV$|TEST$)/.test(name),
  )
  const PATH = `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}`
  return { ...Object.fromEntries(entries), PATH, ...extra }
}

describe('the packages', () => {
  it('are complete and valid', async () => {
    expect(tarballs).toHaveLength(publishedNames.length)
    for (const tarball of tarballs) {
      expect(await packageProblems(await readFile(path.join(packedFolder, tarball))), tarball).toEqual([])
    }
  })

  it('do not install unpublished packages of the workspace', async () => {
    const scopes = await readdir(path.join(project.folder, 'node_modules/@sotto'))
    expect(scopes.map((name) => `@sotto/${name}`).sort()).toEqual([...publishedNames].sort())
  })
})

describe('a project that installs them', () => {
  it('does not see the database tables in the types of the server', async () => {
    const types = await readFile(
      path.join(project.folder, 'node_modules/@sotto/server/dist/index.d.ts'),
      'utf8',
    )
    expect(types).toMatch(/interface Server\b/)
    expect(types).not.toMatch(/[Kk]ysely|Table\b/)
  })

  it.each(['nodenext', 'esnext'])('compiles with module %s and all declarations checked', async (module) => {
    const compilerOptions = {
      module,
      moduleResolution: module === 'nodenext' ? module : 'bundler',
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable'],
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    }
    await project.write('tsconfig.json', { compilerOptions, include: ['*.ts'] })
    await run(project.folder, [bin('tsc'), '-p', '.', '--singleThreaded'], projectEnvironment())
  })

  it('compiles the snippets of the READMEs in strict mode', async () => {
    const files: string[] = []
    for (const folder of ['.', 'packages/sdk', 'packages/react', 'packages/testing']) {
      const text = await readFile(path.join(packageRoot, '../..', folder, 'README.md'), 'utf8')
      for (const [, language, code] of text.matchAll(/^```(tsx?)\n(.*?)^```/gms)) {
        const name = `readme-${path.basename(folder)}-${files.length}.${language}`
        // Some have no import, and a file without one is not a module.
        await project.write(name, `${code}\nexport {}\n`)
        files.push(name)
      }
    }
    expect(files.length).toBeGreaterThan(10)
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable', 'dom', 'dom.iterable'],
      types: ['node'],
      jsx: 'react-jsx',
      strict: true,
      skipLibCheck: true,
      noEmit: true,
    }
    await project.write('tsconfig.readme.json', {
      compilerOptions,
      files: ['readme-context.ts', ...files],
    })
    await run(
      project.folder,
      [bin('tsc'), '-p', 'tsconfig.readme.json', '--singleThreaded'],
      projectEnvironment(),
    )
  })

  it('tests against a real server', async () => {
    await cp(path.join(project.folder, 'messages.ts'), path.join(project.folder, 'messages.test.ts'))
    await run(
      project.folder,
      [bin('vitest'), 'run', '--reporter=json', '--outputFile=report.json'],
      projectEnvironment(),
    )
    const report = await readFile(path.join(project.folder, 'report.json'), 'utf8')
    const { numPassedTests, numTotalTests } = JSON.parse(report)
    expect({ numPassedTests, numTotalTests }).toEqual({ numPassedTests: 4, numTotalTests: 4 })
  })

  it('embeds the server', async () => {
    expect(
      JSON.parse(await run(project.folder, [process.execPath, 'embed.ts'], projectEnvironment())),
    ).toEqual({
      username: 'alice',
      assets: [200, 200, 200, 200],
      configError: 'PORT must be a whole number from 0 to 65535',
    })
  })

  it('starts the server from the command line and stops it', async () => {
    const env = projectEnvironment({ PORT: '0', HOST: '127.0.0.1', DATABASE_URL: 'file:chat.db' })
    const server = spawn(bin('sotto'), ['start'], {
      cwd: project.folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    server.stdout.on('data', (chunk: Buffer) => {
      output += chunk
    })
    try {
      const url = () => /http:\/\/127\.0\.0\.1:\d+(?=["\s])/.exec(output)?.[0]
      await expect.poll(url).toBeDefined()
      expect((await fetch(`${url()}/readyz`)).status).toBe(200)
    } finally {
      server.kill('SIGTERM')
    }
    const [code] = await once(server, 'exit')
    expect(code).toBe(0)
  })
})
