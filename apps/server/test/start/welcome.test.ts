import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { createServer, memoryLogger, readConfig } from '@sotto/server'
import {
  createEmptyDatabase,
  createTemporaryDirectory,
  sotto,
  sottoOnTerminal,
  startSotto,
} from '@sotto/testing/internal'
import { describe, expect, test } from 'vitest'
import { reachableUrl } from '../../src/cli/reachable-url.ts'

const run = promisify(execFile)

function curlCommands(stdout: string): string[] {
  return stdout.split('\n').flatMap((line) => (line.trim().startsWith('curl ') ? [line.trim()] : []))
}

/** Runs a pasted curl command in bash and returns the HTTP status. */
async function paste(command: string, env: NodeJS.ProcessEnv = {}): Promise<number> {
  const { stdout } = await run('bash', ['-c', `${command} -s -o /dev/null -w '%{http_code}'`], {
    env: { PATH: process.env.PATH, ...env },
  })
  return Number(stdout)
}

describe.each(['sqlite', 'postgres'] as const)('the first start on %s', (using) => {
  test('prints its address, the location of its data, a key and three working commands', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url }
    await using server = await startSotto(settings)
    const { stdout } = server.output

    expect(stdout).toContain(`Address      ${server.url}\n`)
    expect(stdout).toContain(
      using === 'sqlite' ? database.url.slice('file:'.length) : new URL(database.url).host,
    )
    expect(stdout).not.toContain('postgres:postgres')
    const [, key = ''] = /Service key +(sk_\S+)/.exec(stdout) ?? []
    expect(key).not.toBe('')
    const commands = curlCommands(stdout)
    expect(commands).toHaveLength(3)
    for (const command of commands) expect(await paste(command), command).toBe(201)
    // The printed link still works after that, for the demo and for the first account.
    const setup = (action: string, body: object) =>
      fetch(`${server.url}/v1/setup/${action}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: /\/welcome#(su_\S+)/.exec(stdout)?.[1], ...body }),
      })
    expect((await setup('demo', {})).status).toBe(200)
    expect((await setup('admin', { username: 'ada', password: 'a long and quiet evening' })).status).toBe(201)
    expect(await server.stop()).toBe(0)

    await using again = await startSotto(settings)
    expect(again.output.stdout).not.toContain('sk_')
    expect(again.output.stdout).not.toContain('Sotto is running')
    expect(again.output.stdout).toContain('"msg":"listening"')
    expect(curlCommands(again.output.stdout)).toEqual([])
    const authorization = { headers: { authorization: `Bearer ${key}` } }
    expect((await fetch(`${again.url}/v1/messages`, authorization)).status).toBe(200)
  })

  test('prints the key even if the database was migrated separately', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url }
    await sotto(['migrate'], settings)
    await using server = await startSotto(settings)
    const commands = curlCommands(server.output.stdout)
    expect(commands).toHaveLength(3)
    for (const command of commands) expect(await paste(command), command).toBe(201)
  })

  test('does not print a configured key', async () => {
    await using database = await createEmptyDatabase(using)
    const key = 'sk_of-the-operator'
    await using server = await startSotto({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key })
    expect(server.output.stdout).not.toContain('sk_')
    const commands = curlCommands(server.output.stdout)
    expect(commands).toHaveLength(3)
    for (const command of commands)
      expect(await paste(command, { SOTTO_SERVICE_KEY: key }), command).toBe(201)
  })
})

test('several servers can start on an empty PostgreSQL at the same time, and one prints the key and the link', async () => {
  await using database = await createEmptyDatabase('postgres')
  const servers = await Promise.all([1, 2, 3].map(() => startSotto({ DATABASE_URL: database.url })))
  const printed = servers.map(({ output }) => output.stdout).join('')
  const keys = [...printed.matchAll(/Service key +(sk_\S+)/g)].map(([, key]) => key)
  const links = [...printed.matchAll(/\/welcome#(su_\S+)/g)].map(([, token]) => token)
  expect([keys.length, links.length]).toEqual([1, 1])
  for (const { url } of servers) {
    const headers = { authorization: `Bearer ${keys[0]}` }
    const response = await fetch(`${url}/v1/keys`, { headers })
    expect(await response.json()).toMatchObject({ items: [{ name: 'first' }] })
  }
  for (const server of servers) {
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    expect(server.output.stderr).toBe('')
    expect(await server.stop()).toBe(0)
  }
})

describe.each(['sqlite', 'postgres'] as const)('the setup link on %s', (using) => {
  const linkIn = (stdout: string) => /^ *(http\S+\/welcome#su_\S+)$/m.exec(stdout)?.[1]

  test('is printed once, and replaced by a command until there is an account', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: 'sk_of-the-operator' }
    await using server = await startSotto(settings)
    const first = linkIn(server.output.stdout) ?? 'no link'
    expect(first.startsWith(`${server.url}/welcome#`)).toBe(true)
    await server.stop()
    await using again = await startSotto(settings)
    expect(linkIn(again.output.stdout)).toBeUndefined()

    const command = await sotto(['setup'], { ...settings, HOST: '0.0.0.0', PORT: '8080' })
    expect(command).toMatchObject({ code: 0, stderr: '' })
    const second = linkIn(command.stdout) ?? 'no link'
    expect(second.startsWith('http://localhost:8080/welcome#')).toBe(true)

    const open = async (link: string) => {
      const body = { token: link.split('#')[1], username: 'ada', password: 'a long and quiet evening' }
      const headers = { 'content-type': 'application/json' }
      const request = { method: 'POST', headers, body: JSON.stringify(body) }
      return (await fetch(`${again.url}/v1/setup/admin`, request)).status
    }
    expect(await open(first)).toBe(400)
    expect(await open(second)).toBe(201)
    const late = await sotto(['setup'], settings)
    expect(late).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('sotto user admin') })
  })

  test('is not printed without the web client, or if there is already a user', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: 'sk_of-the-operator' }
    await using server = await startSotto({ ...settings, SOTTO_WEB_CLIENT: 'off' })
    expect(server.output.stdout).not.toContain('/welcome')
    for (const command of curlCommands(server.output.stdout))
      expect(await paste(command, { SOTTO_SERVICE_KEY: settings.SOTTO_SERVICE_KEY })).toBe(201)
    await server.stop()
    await using again = await startSotto(settings)
    expect(again.output.stdout).not.toContain('/welcome')
  })
})

test.each(['sqlite', 'postgres'] as const)(
  'the welcome is printed once on %s, whether or not a start migrates',
  async (using) => {
    await using database = await createEmptyDatabase(using)
    const settings = {
      DATABASE_URL: database.url,
      SOTTO_SERVICE_KEY: 'sk_of-the-operator',
      SOTTO_WEB_CLIENT: 'off',
    }
    await sotto(['migrate'], settings)
    const config = { ...readConfig(settings), port: 0 }
    const isFirst = async () => {
      await using server = await createServer(config, { log: memoryLogger([]) })
      return server.isFirstStart
    }
    expect([await isFirst(), await isFirst()]).toEqual([true, false])
    await using filled = await createEmptyDatabase(using)
    await sotto(['user', 'create', 'ada'], { DATABASE_URL: filled.url })
    await using server = await createServer({ ...config, databaseUrl: filled.url }, { log: memoryLogger([]) })
    expect(server.isFirstStart).toBe(false)
  },
)

test('a later start prints a short text on a terminal', async () => {
  await using database = await createEmptyDatabase('sqlite')
  const settings = { DATABASE_URL: database.url, PORT: '0' }
  await using first = await startSotto(settings)
  await first.stop()
  // The shell between the two reports the signal, so the exit code says nothing.
  const { screen } = await sottoOnTerminal(['start'], settings, [['Press Ctrl+C to stop', '\x03']])
  expect(screen).toMatch(/^Sotto is running at http:\S+ \(data: \S+\)\. Press Ctrl\+C to stop\.\s/m)
  expect(screen).not.toContain('"level"')
  expect(screen).toContain('Stopping')
})

test('an unsupported version of Node is named in one sentence', async () => {
  const main = path.join(import.meta.dirname, '../../src/main.ts')
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.1' } })`
  const args = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, main, 'start']
  await expect(run(process.execPath, args)).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'sotto: requires Node 22.15 or newer, but this is Node 20.11.1\n',
  })
  // An older Node resolves static imports before it runs anything.
  expect(await readFile(main, 'utf8')).not.toMatch(/^import .* from /m)
})

test('settings are read from files without the final line break', async () => {
  await using directory = await createTemporaryDirectory()
  await using database = await createEmptyDatabase('sqlite')
  const [url, key] = [path.join(directory.path, 'url'), path.join(directory.path, 'key')]
  await writeFile(url, database.url)
  await writeFile(key, 'sk_of-a-file\r\n')
  const settings = { DATABASE_URL_FILE: url, DATABASE_URL: '', SOTTO_SERVICE_KEY_FILE: key }
  await using server = await startSotto(settings)
  expect(server.output.stdout).toContain(database.url.slice('file:'.length))
  const authorization = { headers: { authorization: 'Bearer sk_of-a-file' } }
  expect((await fetch(`${server.url}/v1/messages`, authorization)).status).toBe(200)
})

const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
)

test.each(['127.0.0.1', 'localhost', ...(hasIPv6 ? ['::1'] : [])])(
  'prints a reachable address for HOST=%s',
  async (host) => {
    await using server = await startSotto({ DATABASE_URL: 'file::memory:', HOST: host })
    for (const command of curlCommands(server.output.stdout)) expect(await paste(command), command).toBe(201)
  },
)

// Tests only listen on loopback addresses, so no server is started for these.
test.each([
  ['0.0.0.0', 'http://localhost:1337'],
  ['::', 'http://localhost:1337'],
  ['::1', 'http://[::1]:1337'],
  ['chat.example.com', 'http://chat.example.com:1337'],
])('the address to open for HOST=%s is %s', (host, url) => {
  expect(reachableUrl(host, '1337')).toBe(url)
})
