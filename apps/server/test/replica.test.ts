import { fork } from 'node:child_process'
import { on, once } from 'node:events'
import path from 'node:path'
import { createClient } from '@sotto/sdk'
import {
  openTcpProxy,
  queryPostgres,
  type StartedServer,
  scrape,
  sotto,
  startSotto,
} from '@sotto/testing/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const KEY = 'sk_replicated'

/** URLs of a real primary and its streaming replica, both with a migrated Sotto database. */
let primary: string
let replica: string
let stopBoth: () => Promise<void>

beforeAll(async () => {
  const file = path.join(import.meta.dirname, '../../../scripts/postgres-keeper.ts')
  const keeper = fork(file, ['replicated'], { detached: true })
  const urls: string[] = []
  for await (const [url] of on(keeper, 'message', { close: ['exit'] })) {
    if (urls.push(String(url)) === 2) break
  }
  await queryPostgres(urls[0] ?? '', 'create database sotto')
  ;[primary = '', replica = ''] = urls.map((url) => url.replace(/\/postgres$/, '/sotto'))
  await sotto(['migrate'], { DATABASE_URL: primary })
  stopBoth = async () => {
    keeper.disconnect()
    await once(keeper, 'exit')
  }
}, 120_000)
afterAll(() => stopBoth())

function start(settings: NodeJS.ProcessEnv = {}): Promise<StartedServer> {
  return startSotto({
    DATABASE_URL: primary,
    DATABASE_REPLICA_URL: replica,
    SOTTO_SERVICE_KEY: KEY,
    METRICS_PORT: '0',
    ...settings,
  })
}

async function listReads({ output }: StartedServer): Promise<Record<'replica' | 'primary', number>> {
  const line = output.stdout.split('\n').find((entry) => entry.includes('"listening"')) ?? '{}'
  const { metrics } = JSON.parse(line) as { metrics: string }
  const page = await scrape({ metricsUrl: metrics })
  const of = (place: string) => page.value('sotto_list_reads_total', { place }) ?? 0
  return { replica: of('replica'), primary: of('primary') }
}

async function replicaSeenByDoctor(url: string): Promise<string> {
  const { stdout } = await sotto(['doctor'], {
    DATABASE_URL: primary,
    DATABASE_REPLICA_URL: url,
    DATABASE_REPLICA_MAX_LAG_MS: '5000',
  })
  return stdout.split('\n').find((line) => line.includes(' replica ')) ?? stdout
}

const isUsed = ({ output }: StartedServer) => output.stdout.includes('reading lists from the replica')

test('lists use the primary while the replica hangs, and the replica again once it responds', async () => {
  await using proxy = await openTcpProxy(replica)
  await using server = await start({ DATABASE_REPLICA_URL: proxy.url, DATABASE_REPLICA_MAX_LAG_MS: '5000' })
  const keys = createClient({ url: server.url, token: KEY })
  const listed = async () => (await keys.users.list({})).items.length
  const isReadFromReplica = async () => {
    const before = (await listReads(server)).replica
    await listed()
    return (await listReads(server)).replica > before
  }
  await expect.poll(isReadFromReplica).toBe(true)

  proxy.stall()
  await keys.users.create({ username: 'waiting' })
  expect(await listed()).toBe(1)
  // The server has noticed, so no other call waits for the replica.
  const { primary: before } = await listReads(server)
  await listed()
  expect((await listReads(server)).primary).toBe(before + 1)

  proxy.restore()
  await expect.poll(isReadFromReplica, { timeout: 30_000 }).toBe(true)
}, 120_000)

describe('two servers with a replica', { timeout: 120_000 }, () => {
  test('list earlier writes of both, even while the replica is paused or after it is gone', async () => {
    // A generous limit for most servers, because the replica can lag on a machine that is busy with tests.
    await using writer = await start()
    await using reader = await start({ DATABASE_REPLICA_MAX_LAG_MS: '5000' })
    await using impatient = await start()
    await expect.poll(() => [writer, reader, impatient].every(isUsed), { timeout: 20_000 }).toBe(true)
    const keys = createClient({ url: writer.url, token: KEY })
    for (const username of ['alice', 'bob']) await keys.users.create({ username })
    const alice = createClient({ url: writer.url, token: KEY }).as('alice')
    const bobAt = (server: StartedServer) => createClient({ url: server.url, token: KEY }).as('bob')
    async function sendAndList(server: StartedServer, text: string): Promise<void> {
      const bob = bobAt(server)
      const sent = await alice.messages.send({ to: 'bob', text })
      expect((await bob.direct.messages({ user: 'alice' })).items[0]).toMatchObject({ id: sent.id, text })
      await alice.messages.edit({ messageId: sent.id, text: `${text}, edited` })
      expect((await bob.messages.list({})).items[0]?.text).toBe(`${text}, edited`)
      const [inbox] = (await bob.conversations.list({})).items
      expect(inbox?.lastMessage?.text).toBe(`${text}, edited`)
    }

    for (let n = 0; n < 30; n++) await sendAndList(reader, `${n}`)
    expect((await listReads(reader)).replica).toBeGreaterThanOrEqual(60)

    expect(await replicaSeenByDoctor(replica)).toMatch(/^ok +replica +shows commits after \d+ ms$/)
    await queryPostgres(replica, 'select pg_wal_replay_pause()')
    await sendAndList(impatient, 'while paused')
    expect(await replicaSeenByDoctor(replica)).toMatch(
      /^warning +replica +does not catch up with the primary/,
    )
    expect((await listReads(impatient)).primary).toBeGreaterThan(0)
    await queryPostgres(replica, 'select pg_wal_replay_resume()')
    const before = (await listReads(impatient)).replica
    await expect
      .poll(
        async () => {
          await bobAt(impatient).conversations.list({})
          return (await listReads(impatient)).replica
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(before)

    // Promotion is permanent: the database is no longer a replica and accepts its own writes.
    await queryPostgres(replica, 'select pg_promote()')
    await sendAndList(impatient, 'after promotion')
    await sendAndList(reader, 'after promotion too')
    for (const server of [impatient, reader]) {
      expect(server.output.stdout).toContain('replica not usable, reading lists from the primary')
    }
  })

  test('do not use another database as the replica', async () => {
    await queryPostgres(primary, 'create database other')
    const other = primary.replace(/\/sotto$/, '/other')
    await using server = await start({ DATABASE_REPLICA_URL: other })
    await expect
      .poll(() => server.output.stdout, { timeout: 20_000 })
      .toContain('is not a replica of the database')
    expect(isUsed(server)).toBe(false)
    expect(await replicaSeenByDoctor(other)).toMatch(/^warning +replica +is not a replica of the database/)
  })
})
