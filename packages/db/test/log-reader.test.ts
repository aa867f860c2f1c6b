import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import {
  createEmptyDatabase,
  type EmptyDatabase,
  queryPostgres,
  requirePostgresUrl,
  withPostgres,
} from '@sotto/testing/internal/databases'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testScale } from '../../../scripts/test-scale.ts'
import { type Database, LogReader, openDatabase, store } from '../src/index.ts'

let empty: EmptyDatabase
/** A copy: its tables have the same object ids. */
let other: Pick<EmptyDatabase, 'url'> & { name: string }
let database: Database

beforeAll(async () => {
  empty = await createEmptyDatabase('postgres')
  const opening = await openDatabase({ url: empty.url })
  await opening.migrate()
  await opening[Symbol.asyncDispose]()
  await queryPostgres(empty.url, 'create table of_the_host (n int)')
  const url = new URL(empty.url)
  const name = `${url.pathname.slice(1)}_copy`
  await queryPostgres(requirePostgresUrl(), `create database ${name} template ${url.pathname.slice(1)}`)
  url.pathname = `/${name}`
  other = { url: url.href, name }
  database = await openDatabase({ url: empty.url, poolSize: 2 })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await queryPostgres(requirePostgresUrl(), `drop database ${other.name} with (force)`)
  await empty[Symbol.asyncDispose]()
})

const append = `insert into events (type, conversation_id, user_id, seq, created_at)
  values ('message.created', $1, $1, $2, now())`

/** Appends one event, in its own transaction. @returns its seq. */
async function appendOne(seq: number): Promise<number> {
  await withPostgres(empty.url, (client) => client.query(append, [randomUUID(), seq]))
  return seq
}

/** Runs work while a transaction is open that has run this statement. */
async function whileOpen<T>(
  url: string,
  statement: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return withPostgres(url, async (client) => {
    await client.query('begin')
    await client.query(statement)
    try {
      return await work(client)
    } finally {
      await client.query('rollback')
    }
  })
}

describe('on PostgreSQL, the log is not delayed by an open transaction', () => {
  test.each([
    {
      of: 'that has written in the same database',
      in: () => empty,
      run: 'insert into of_the_host values (1)',
    },
    {
      of: 'that has appended an event in another database',
      in: () => other,
      run: append.replaceAll('$1', `'${randomUUID()}'`).replace('$2', '7'),
    },
    {
      of: 'that has written in another database',
      in: () => other,
      run: 'insert into of_the_host values (1)',
    },
    {
      of: 'that reads our tables and has written to others',
      in: () => empty,
      run: 'with added as (insert into of_the_host values (1)) select count(*) from events',
    },
    {
      of: 'that has only locked our tables, as pg_dump does',
      in: () => empty,
      run: 'lock table events, messages in access share mode',
    },
    {
      of: 'that has written the same tables in another schema',
      in: () => empty,
      run: 'create schema theirs; create table theirs.events (n int); insert into theirs.events values (1)',
    },
  ])('$of', async ({ in: where, run }) => {
    const reader = new LogReader(database.db)
    const { position } = await store.eventLog.findEnd(database.db)
    await whileOpen(where().url, run, async () => {
      for (const seq of [1, 2]) {
        const { position: before } = await store.eventLog.findEnd(database.db)
        await appendOne(seq)
        const { rows, isHeldBack } = await reader.read(before, 10)
        expect(rows.map((row) => row.seq)).toEqual([seq])
        expect(isHeldBack).toBe(false)
      }
      expect(await store.logHorizon.findBlocker(database.db, 0)).toBeUndefined()
    })
    expect((await reader.read(position, 10)).rows.map((row) => row.seq)).toEqual([1, 2])
  })
})

describe('on PostgreSQL, the log waits for an open transaction', () => {
  test.each([
    {
      of: 'that has appended an event',
      run: append.replaceAll('$1', `'${randomUUID()}'`).replace('$2', '7'),
      seqs: [7, 8],
    },
    { of: 'that has written another table of ours', run: 'update event_log set epoch = epoch', seqs: [8] },
    { of: 'that has emptied a table of ours', run: 'truncate leases', seqs: [8] },
    { of: 'that has locked a row of ours', run: 'select epoch from event_log for update', seqs: [8] },
  ])('$of', async ({ run, seqs }) => {
    const reader = new LogReader(database.db)
    const { position } = await store.eventLog.findEnd(database.db)
    await withPostgres(empty.url, async (client) => {
      await client.query("set application_name = 'a writer'")
      await client.query('begin')
      await client.query(run)
      await appendOne(8)
      for (const _attempt of [1, 2]) {
        expect(await reader.read(position, 10)).toEqual({ rows: [], isHeldBack: true })
      }
      expect((await store.eventLog.findEnd(database.db)).position).toEqual(position)
      const blocker = await store.logHorizon.findBlocker(database.db, 0)
      expect(blocker).toMatchObject({ pid: expect.any(Number), application: 'a writer' })
      await client.query('commit')
    })
    const { rows, isHeldBack } = await reader.read(position, 10)
    expect(rows.map((row) => row.seq)).toEqual(seqs)
    expect(isHeldBack).toBe(false)
  })
})

test('on PostgreSQL, a reader sees every event once and in log order, beside writers, rollbacks and other transactions', {
  timeout: 60_000,
}, async () => {
  let next = 0
  const rest = () => wait((next++ * 7) % 5)
  const transactions = 60 * testScale
  const { position } = await store.eventLog.findEnd(database.db)
  const appended: number[] = []

  async function writeEvents(writer: number): Promise<void> {
    await withPostgres(empty.url, async (client) => {
      for (let n = 0; n < transactions; n++) {
        const seqs = [0, 1, 2].map((part) => (writer * transactions + n) * 3 + part)
        await client.query('begin')
        // Assigns the id long before the events, in another table of ours.
        if (n % 2 === 0) await client.query('select epoch from event_log for share')
        for (const seq of seqs) {
          await rest()
          await client.query(append, [randomUUID(), seq])
        }
        const isKept = n % 5 !== 0
        if (isKept) appended.push(...seqs)
        await client.query(isKept ? 'commit' : 'rollback')
      }
    })
  }
  async function writeElsewhere({ url }: { url: string }, isWriting: () => boolean): Promise<void> {
    await withPostgres(url, async (client) => {
      while (isWriting()) {
        await client.query('begin')
        await client.query('insert into of_the_host values (1)')
        await rest()
        await client.query('commit')
      }
    })
  }

  let isWriting = true
  const writing = Promise.all([0, 1, 2, 3, 4, 5].map(writeEvents)).finally(() => {
    isWriting = false
  })
  const elsewhere = [empty, other].flatMap((where) => [
    writeElsewhere(where, () => isWriting),
    writeElsewhere(where, () => isWriting),
  ])
  const reader = new LogReader(database.db)
  const read: number[] = []
  let from = position
  for (let isDone = false; ; ) {
    const { rows, isHeldBack } = await reader.read(from, 50)
    read.push(...rows.map((row) => row.seq ?? -1))
    const last = rows.at(-1)
    if (last) from = { xid: last.xid, id: last.id }
    else if (isDone && !isHeldBack) break
    isDone = !isWriting
  }
  await writing
  await Promise.all(elsewhere)

  const stored = await withPostgres(empty.url, (client) =>
    client.query<{ seq: string }>(
      'select seq from events where (xid, id) > ($1::xid8, $2) order by xid, id',
      [position.xid, position.id],
    ),
  )
  expect(read).toEqual(stored.rows.map((row) => Number(row.seq)))
  expect(read.toSorted((a, b) => a - b)).toEqual(appended.toSorted((a, b) => a - b))
})
