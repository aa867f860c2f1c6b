import { execFile } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { reachableUrl } from '../../src/cli/reachable-url.ts'
import { createDatabase } from '../cli/support/databases.ts'
import { sotto, startServer } from '../cli/support/sotto.ts'

const run = promisify(execFile)

function curlCommands(stdout: string): string[] {
  return stdout.split('\n').flatMap((line) => (line.trim().startsWith('curl ') ? [line.trim()] : []))
}

/** What bash and curl make of a pasted command. */
async function paste(command: string, env: NodeJS.ProcessEnv = {}): Promise<number> {
  const { stdout } = await run('bash', ['-c', `${command} -s -o /dev/null -w '%{http_code}'`], {
    env: { PATH: process.env.PATH, ...env },
  })
  return Number(stdout)
}

describe.each(['sqlite', 'postgres'] as const)('the first start on %s', (using) => {
  test('prints where it is, where the data is, a key, and three commands that work', async () => {
    await using database = await createDatabase(using)
    const settings = { DATABASE_URL: database.url }
    await using server = await startServer(settings)
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
    expect(await server.stop()).toBe(0)

    await using again = await startServer(settings)
    expect(again.output.stdout).not.toContain('sk_')
    expect(curlCommands(again.output.stdout)).toEqual([])
    const authorization = { headers: { authorization: `Bearer ${key}` } }
    expect((await fetch(`${again.url}/v1/messages`, authorization)).status).toBe(200)
  })

  test('prints the key also where something else made the database', async () => {
    await using database = await createDatabase(using)
    const settings = { DATABASE_URL: database.url }
    await sotto(['migrate'], settings)
    await using server = await startServer(settings)
    const commands = curlCommands(server.output.stdout)
    expect(commands).toHaveLength(3)
    for (const command of commands) expect(await paste(command), command).toBe(201)
  })

  test('does not print a key that was given', async () => {
    await using database = await createDatabase(using)
    const key = 'sk_of-the-operator'
    await using server = await startServer({ DATABASE_URL: database.url, SOTTO_SERVICE_KEY: key })
    expect(server.output.stdout).not.toContain('sk_')
    const commands = curlCommands(server.output.stdout)
    expect(commands).toHaveLength(3)
    for (const command of commands)
      expect(await paste(command, { SOTTO_SERVICE_KEY: key }), command).toBe(201)
  })
})

const hasIPv6 = Object.values(networkInterfaces()).some((one) =>
  one?.some(({ address }) => address === '::1'),
)

test.each(['127.0.0.1', 'localhost', ...(hasIPv6 ? ['::1'] : [])])(
  'prints an address that answers for HOST=%s',
  async (host) => {
    await using server = await startServer({ DATABASE_URL: 'file::memory:', HOST: host })
    for (const command of curlCommands(server.output.stdout)) expect(await paste(command), command).toBe(201)
  },
)

// A test listens on loopback addresses alone, so these are not listened on.
test.each([
  ['0.0.0.0', 'http://localhost:1337'],
  ['::', 'http://localhost:1337'],
  ['::1', 'http://[::1]:1337'],
  ['chat.example.com', 'http://chat.example.com:1337'],
])('an address to open for HOST=%s is %s', (host, url) => {
  expect(reachableUrl(host, '1337')).toBe(url)
})
