import { randomUUID } from 'node:crypto'
import Sqlite from 'better-sqlite3'
import pg from 'pg'
import type { Contender } from './compare.ts'
import type { Fixture, Pair } from './fixture.ts'
import { drive } from './load.ts'
import { rebind, type SendState } from './rebind.ts'

/** Runs the statements of a send directly through the driver: one transaction per message, without HTTP. */
export interface BaselineSends extends AsyncDisposable {
  contender: Contender
}

export function baselineSends(databaseUrl: string, fixture: Fixture): BaselineSends {
  return databaseUrl.startsWith('file:')
    ? onSqlite(databaseUrl.slice('file:'.length), fixture)
    : onPostgres(databaseUrl, fixture)
}

const NAME = 'driver only'

function onSqlite(path: string, fixture: Fixture): BaselineSends {
  const database = new Sqlite(path)
  database.pragma('journal_mode = wal')
  database.pragma('synchronous = full')
  database.pragma('foreign_keys = on')
  database.pragma('cache_size = -32768')
  const begin = database.prepare('begin immediate')
  const commit = database.prepare('commit')
  const steps = fixture.send.statements.map(({ sql, parameters }) => ({
    statement: database.prepare(sql),
    parameters,
  }))

  function send(pair: Pair): void {
    const state = newSend()
    begin.run()
    for (const { statement, parameters } of steps) {
      const bound = rebind(parameters, fixture.send.values, pair, state).map((value) =>
        value instanceof Date ? value.getTime() : value,
      )
      if (statement.reader) noteSeq(statement.all(bound), state)
      else statement.run(bound)
    }
    commit.run()
  }

  let next = 0
  return {
    contender: {
      name: NAME,
      // SQLite has a single writer, so concurrency would not help.
      run: ({ seconds }) =>
        drive({ concurrency: 1, seconds }, async () => {
          send(pairOf(fixture, next++))
        }),
    },
    async [Symbol.asyncDispose]() {
      database.close()
    },
  }
}

function onPostgres(url: string, fixture: Fixture): BaselineSends {
  const pool = new pg.Pool({ connectionString: url, max: 10 })

  async function send(pair: Pair): Promise<void> {
    const client = await pool.connect()
    try {
      const state = newSend()
      await client.query('begin')
      for (const [index, { sql, parameters }] of fixture.send.statements.entries()) {
        const values = rebind(parameters, fixture.send.values, pair, state)
        noteSeq((await client.query({ name: `step-${index}`, text: sql, values })).rows, state)
      }
      await client.query('commit')
    } finally {
      client.release()
    }
  }

  return {
    contender: { name: NAME, run: (load) => drive(load, (index) => send(pairOf(fixture, index))) },
    [Symbol.asyncDispose]: () => pool.end(),
  }
}

export function pairOf(fixture: Fixture, index: number): Pair {
  const pair = fixture.pairs[index % fixture.pairs.length]
  if (!pair) throw new Error('the fixture has no pairs')
  return pair
}

function newSend(): SendState {
  return { messageId: randomUUID(), seq: 0 }
}

function noteSeq(rows: readonly unknown[], state: SendState): void {
  const [row] = rows as { seq?: number | string }[]
  if (row?.seq !== undefined) state.seq = Number(row.seq)
}
