import { chmod, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beginImport, endImport, openDatabase, store } from '@sotto/db'
import { createClient } from '@sotto/sdk'
import {
  createEmptyDatabase,
  createTemporaryDirectory,
  sotto,
  spawnServer,
  startSotto,
} from '@sotto/testing/internal'
import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import type { Finding } from '../../src/doctor/finding.ts'

// Each test starts many processes.
vi.setConfig({ testTimeout: 90_000 })

const SECRET = 'a secret for two-factor authentication'

async function examine(settings: NodeJS.ProcessEnv) {
  const { code, stdout, stderr } = await sotto(['doctor', '--json'], { SOTTO_SECRET: SECRET, ...settings })
  const { checks } = JSON.parse(stdout) as { checks: Finding[] }
  return { code, stderr, bad: checks.filter(({ status }) => status !== 'ok'), checks }
}

describe.each(['sqlite', 'postgres'] as const)('doctor on %s', (using) => {
  test('reports no problems with a running server, and changes nothing', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: 'sk_of_a_test' }
    await using server = await spawnServer(settings)
    if (using === 'sqlite') await chmod(database.url.slice('file:'.length), 0o600)
    // On PostgreSQL, a long transaction of another test may be open.
    await expect.poll(async () => (await examine(settings)).bad).toEqual([])
    const { code, stderr, checks } = await examine(settings)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    if (using === 'sqlite')
      expect(checks).toContainEqual(expect.objectContaining({ detail: 'a server has the file open' }))
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    const { stdout } = await sotto(['doctor'], { ...settings, SOTTO_SECRET: SECRET })
    expect(stdout.split('\n')).toEqual([
      ...checks.map(({ check }) => expect.stringMatching(new RegExp(`^ok {7}${check}`))),
      '',
    ])
    expect(await server.stop()).toBe(0)
  })

  test('reports an outdated schema, a newer schema and an unfinished import', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url }
    expect((await sotto(['migrate'], settings)).code).toBe(0)
    await using opened = await openDatabase({ url: database.url })
    const { db } = opened

    const exportId = '00000000-0000-7000-8000-000000000000'
    await beginImport(db, exportId, new Date())
    expect(await examine(settings)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^sotto: failed: .*import\n$/),
      bad: expect.arrayContaining([expect.objectContaining({ check: 'import', status: 'failed' })]),
    })
    await endImport(db, { exportId, lines: 0 })
    const newer = '99991231T000000-newer'
    await sql`insert into migrations values (${newer}, '2026-01-01')`.execute(db)
    // This version works with the newer schema, but does not know everything in it, so it cannot export.
    expect((await examine(settings)).bad).not.toContainEqual(expect.objectContaining({ check: 'migrations' }))
    expect(await sotto(['export', '--output', '-'], settings)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^sotto: the database was migrated by a newer version \(.+newer\): /),
    })
    await db.insertInto('schema_requirements').values({ migration: newer, serves_from: newer }).execute()
    expect((await examine(settings)).bad).toContainEqual(
      expect.objectContaining({
        check: 'migrations',
        status: 'failed',
        detail: expect.stringContaining('newer'),
      }),
    )
    await db.deleteFrom('schema_requirements').execute()
    await sql`delete from migrations`.execute(db)
    expect((await examine(settings)).bad).toContainEqual(
      expect.objectContaining({ check: 'migrations', status: 'warning' }),
    )
    expect((await examine({ ...settings, SOTTO_MIGRATE: 'off' })).bad).toContainEqual(
      expect.objectContaining({ check: 'migrations', status: 'failed', todo: 'run sotto migrate' }),
    )
  })
})

test('doctor reports invalid settings and an unreachable database or Redis', async () => {
  expect(await examine({ PORT: 'x' })).toMatchObject({
    code: 1,
    stderr: 'sotto: failed: settings\n',
    checks: [
      {
        check: 'settings',
        status: 'failed',
        detail: expect.stringMatching(/^PORT must be a whole number from 0 to 65535$/),
      },
    ],
  })
  const { code, bad } = await examine({
    DATABASE_URL: 'postgres://127.0.0.1:1/none',
    REDIS_URL: 'redis://127.0.0.1:1',
  })
  expect(code).toBe(1)
  expect(bad.map(({ check, status }) => `${check} ${status}`)).toEqual(['database failed', 'redis failed'])
})

test('doctor reports a SQLite file that others can read, and a file that is not a database', async () => {
  await using files = await createTemporaryDirectory()
  const file = path.join(files.path, 'sotto.db')
  const settings = { DATABASE_URL: `file:${file}` }
  await chmod(files.path, 0o755)
  expect((await sotto(['migrate'], settings)).code).toBe(0)
  await chmod(file, 0o644)
  expect(await examine(settings)).toMatchObject({
    code: 0,
    bad: [{ check: 'permissions', status: 'warning', todo: `chmod 600 ${file}` }],
  })
  const other = path.join(files.path, 'other.db')
  await writeFile(other, 'not a database, but long enough to be taken for one'.repeat(100))
  expect((await examine({ DATABASE_URL: `file:${other}` })).bad).toContainEqual(
    expect.objectContaining({ check: 'database', status: 'failed' }),
  )
})

test('doctor reports the transaction that holds back the event log, and a pool that is too large', async () => {
  await using database = await createEmptyDatabase('postgres')
  const settings = { DATABASE_URL: database.url }
  expect((await sotto(['migrate'], settings)).code).toBe(0)
  const client = new pg.Client({ connectionString: database.url, application_name: 'report' })
  await client.connect()
  try {
    await client.query('begin')
    await client.query('lock table messages in row exclusive mode')
    const { rows } = await client.query('select pg_backend_pid() as pid, pg_current_xact_id()')
    await expect
      .poll(async () => (await examine({ ...settings, DATABASE_POOL_SIZE: '500' })).bad, { timeout: 20_000 })
      .toEqual([
        {
          check: 'connections',
          status: 'failed',
          detail: expect.stringContaining('502'),
          todo: expect.any(String),
        },
        {
          check: 'event log',
          status: 'warning',
          detail: expect.stringMatching(
            new RegExp(`transaction of report \\(pid ${rows[0]?.pid}\\) has been open`),
          ),
          todo: `terminate it: select pg_terminate_backend(${rows[0]?.pid})`,
        },
      ])
  } finally {
    await client.end()
  }
})

test('doctor reports a webhook whose receiver is gone', async () => {
  await using database = await createEmptyDatabase('sqlite')
  const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: 'sk_of_a_test' }
  await using server = await startSotto(settings)
  const admin = createClient({ url: server.url, token: 'sk_of_a_test' })
  const { id } = await admin.webhooks.create({ url: 'https://hooks.example/gone' })
  const webhooks = async () => (await examine(settings)).checks.filter(({ check }) => check === 'webhooks')
  expect(await webhooks()).toMatchObject([{ status: 'ok' }])
  await using opened = await openDatabase({ url: database.url })
  await store.webhooks.disableGone(opened.db, id, new Date())
  expect(await webhooks()).toMatchObject([
    { status: 'warning', detail: expect.stringContaining(`${id} is disabled`) },
  ])
})
