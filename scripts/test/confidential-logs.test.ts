import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { contract, type Procedure } from '@sotto/contract'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { confidentialFields } from '../confidential-logs.ts'

const entries = Object.values(contract).flatMap((resource) => Object.values<Procedure>(resource))
const root = path.join(import.meta.dirname, '../..')

test('all confidential fields exist in the contract', () => {
  const schemas = entries.map(({ input, output }) =>
    JSON.stringify([input, output].map((schema) => z.toJSONSchema(schema, { unrepresentable: 'any' }))),
  )
  for (const name of confidentialFields) expect(schemas.join('\n')).toContain(`"${name}":`)
})

test('no path, which is logged, contains a confidential field', () => {
  const inPaths = entries.flatMap(({ http }) => [...http.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
  expect(inPaths.length).toBeGreaterThan(0)
  expect(inPaths.filter((name) => name !== undefined && confidentialFields.has(name))).toEqual([])
})

/** Starts a server, logs data based on what it was sent, and returns how the process ended. */
async function runLogging(what: string): Promise<{ code: number | null; stderr: string }> {
  const program = `
    import { createTestServer } from '@sotto/testing'
    const server = await createTestServer({ users: ['alice', 'bob'] })
    const sent = await server.as('alice').messages.send({ to: 'bob', text: 'the words of alice' })
    const { key } = await server.client.keys.create({ name: 'a key', scopes: ['read'] })
    const { createLogger } = await import('${path.join(root, 'apps/server/src/lib/log.ts')}')
    createLogger('info').info(${what}, 'something')
    await server[Symbol.asyncDispose]()
  `
  const child = spawn(
    process.execPath,
    ['--import', path.join(root, 'scripts/child-logs.ts'), '--input-type=module', '--eval', program],
    {
      cwd: path.join(root, 'apps/server'),
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk)
  })
  const [code] = await once(child, 'close')
  return { code, stderr }
}

test.each([
  ['a message text', '{ sent }', 'the words of alice'],
  ['a message text in an error', '{ err: new Error("no room for: " + sent.text) }', 'the words of alice'],
  ['a new service key', '{ key }', 'sk_'],
  ['a header', '{ headers: { authorization: "Bearer " + server.serviceKey } }', 'sk_'],
])('a process that logs %s fails', async (_, what, named) => {
  const { code, stderr } = await runLogging(what)
  expect({ code, stderr }).toMatchObject({ code: 86, stderr: expect.stringContaining(named) })
})

test('a process that logs only ids succeeds', async () => {
  expect(await runLogging('{ id: sent.id, users: ["alice", "bob"] }')).toEqual({ code: 0, stderr: '' })
})
