import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startServer } from '@sotto/testing/internal'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { packedFolder } from '../../../scripts/consumer/packed.ts'
import { type ConsumerProject, createConsumerProject } from '../../../scripts/consumer/project.ts'
import { cleanEnvironment, run } from '../../../scripts/pack.ts'

let workspace: string
let project: ConsumerProject

beforeAll(async () => {
  workspace = await mkdtemp(path.join(tmpdir(), 'sotto-next-'))
  project = await createConsumerProject(
    path.join(workspace, 'project'),
    path.join(import.meta.dirname, 'next'),
  )
  const tarballs = (await readdir(packedFolder)).filter((name) => /^sotto-(sdk|react)-/.test(name))
  await project.install([
    ...tarballs.map((name) => path.join(packedFolder, name)),
    ...['next', 'react', 'react-dom'],
  ])
}, 300_000)

afterAll(async () => {
  await rm(workspace, { recursive: true, force: true })
})

it('builds and serves an app with server and client components', async () => {
  await using server = await startServer('sqlite', { users: ['alice', 'bob'] })
  await server.send('alice', 'bob', 'hello')
  const env = cleanEnvironment({
    NODE_ENV: 'production',
    NEXT_TELEMETRY_DISABLED: '1',
    SOTTO_URL: server.url,
    SOTTO_TOKEN: server.serviceKey,
  })
  const next = path.join(project.folder, 'node_modules/next/dist/bin/next')
  await run(project.folder, [process.execPath, next, 'build'], env)

  const args = [next, 'start', '--hostname', '127.0.0.1', '--port', '0']
  const app = spawn(process.execPath, args, {
    cwd: project.folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    let output = ''
    app.stdout.on('data', (chunk: Buffer) => {
      output += chunk
    })
    const url = () => /http:\/\/(127\.0\.0\.1|localhost):[1-9]\d*/.exec(output)?.[0]
    await expect.poll(url).toBeDefined()
    const page = await (await fetch(`${url()}/`)).text()
    expect(page).toContain('hello')
    expect(page.replaceAll('<!-- -->', '')).toContain('connecting, 0 messages')
  } finally {
    app.kill()
    await once(app, 'exit')
  }
}, 300_000)
