import { openDatabase } from '@sotto/db'
import { createClient } from '@sotto/sdk'
import { createEmptyDatabase, sotto, startSotto } from '@sotto/testing/internal'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

/* During a rolling upgrade, servers of the previous release run, stop and start on the new schema. */

const NEXT = '29990101T000000-next'

/** Changes the schema like `sotto migrate` of the next release. */
async function migrateToNext(url: string, changes: readonly string[], servesFrom?: string): Promise<void> {
  await using database = await openDatabase({ url, poolSize: 1 })
  const statements = [
    ...changes,
    `insert into migrations (name, timestamp) values ('${NEXT}', '2999-01-01')`,
    ...(servesFrom === undefined
      ? []
      : [`insert into schema_requirements (migration, serves_from) values ('${NEXT}', '${servesFrom}')`]),
  ]
  for (const statement of statements) await sql.raw(statement).execute(database.db)
}

const KEY = 'sk_rollout'
const isReady = async (url: string) => (await fetch(`${url}/readyz`)).status === 200

describe.each(['sqlite', 'postgres'] as const)('a database newer than the server, on %s', (using) => {
  test('is served by running and by newly started servers', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: KEY }
    await using running = await startSotto(settings)
    const client = createClient({ url: running.url, token: KEY })
    for (const username of ['alice', 'bob']) await client.users.create({ username })
    let stop = false
    const sending = (async () => {
      let count = 0
      for (; !stop; count++) {
        await client.messages.send({ from: 'alice', to: 'bob', text: String(count) })
        await client.as('bob').direct.messages({ user: 'alice' })
      }
      return count
    })()
    // Adds a column to every table that sends and lists read. Prepared statements must keep working.
    const tables = ['users', 'conversations', 'participants', 'messages', 'events', 'service_keys']
    await migrateToNext(
      database.url,
      tables.map((table) => `alter table ${table} add column next_release integer`),
    )
    await client.as('bob').conversations.list()
    stop = true
    const sent = await sending

    expect(await isReady(running.url)).toBe(true)
    expect((await client.as('bob').direct.messages({ user: 'alice' })).items[0]?.seq).toBe(sent)
    expect(await running.stop()).toBe(0)
    for (const SOTTO_MIGRATE of ['on', 'off']) {
      await using restarted = await startSotto({ ...settings, SOTTO_MIGRATE })
      expect(restarted.output.stdout).toContain(NEXT)
      expect(await isReady(restarted.url)).toBe(true)
      await restarted.stop()
    }
    expect(await sotto(['migrate'], settings)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^the schema is newer than this version, and compatible with it: /),
    })
  })

  test('is rejected if the new schema lacks something that the server uses', async () => {
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: KEY }
    await using running = await startSotto(settings)
    await migrateToNext(database.url, ['drop table audit'], NEXT)

    expect(await isReady(running.url)).toBe(false)
    await running.stop()
    for (const command of ['start', 'migrate']) {
      const { code, stdout, stderr } = await sotto([command], { PORT: '0', ...settings })
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^sotto: the database is newer than this server .+; update the server\n$/)
      expect(stderr).toContain(NEXT)
    }
  })
})
