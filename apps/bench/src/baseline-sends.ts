import { randomUUID } from 'node:crypto'
import Sqlite from 'better-sqlite3'
import pg from 'pg'
import type { Contender } from './compare.ts'
import { drive } from './load.ts'
import { rebind, type Turn } from './rebind.ts'
import type { Lane, World } from './world.ts'

/** The statements of a send straight through the driver: one transaction a message, no HTTP, nothing else. */
export interface BaselineSends extends AsyncDisposable {
  contender: Contender
}

export function baselineSends(databaseUrl: string, world: World): BaselineSends {
  return databaseUrl.startsWith('file:')
    ? onSqlite(databaseUrl.slice('file:'.length), world)
    : onPostgres(databaseUrl, world)
}

const NAME = 'the driver alone'

function onSqlite(path: string, world: World): BaselineSends {
  const database = new Sqlite(path)
  database.pragma('journal_mode = wal')
  database.pragma('synchronous = full')
  database.pragma('foreign_keys = on')
  database.pragma('cache_size = -32768')
  const begin = database.prepare('begin immediate')
  const commit = database.prepare('commit')
  const steps = world.send.statements.map(({ sql, parameters }) => ({
    statement: database.prepare(sql),
    parameters,
  }))

  function send(lane: Lane): void {
    const turn = newTurn()
    begin.run()
    for (const { statement, parameters } of steps) {
      const bound = rebind(parameters, world.send.values, lane, turn).map((value) =>
        value instanceof Date ? value.getTime() : value,
      )
      if (statement.reader) noteSeq(statement.all(bound), turn)
      else statement.run(bound)
    }
    commit.run()
  }

  let next = 0
  return {
    contender: {
      name: NAME,
      // There is one writer: more lanes would only take turns.
      run: ({ seconds }) =>
        drive({ lanes: 1, seconds }, async () => {
          send(laneOf(world, next++))
        }),
    },
    async [Symbol.asyncDispose]() {
      database.close()
    },
  }
}

function onPostgres(url: string, world: World): BaselineSends {
  const pool = new pg.Pool({ connectionString: url, max: 10 })

  async function send(lane: Lane): Promise<void> {
    const client = await pool.connect()
    try {
      const turn = newTurn()
      await client.query('begin')
      for (const [index, { sql, parameters }] of world.send.statements.entries()) {
        const values = rebind(parameters, world.send.values, lane, turn)
        noteSeq((await client.query({ name: `step-${index}`, text: sql, values })).rows, turn)
      }
      await client.query('commit')
    } finally {
      client.release()
    }
  }

  return {
    contender: { name: NAME, run: (load) => drive(load, (lane) => send(laneOf(world, lane))) },
    [Symbol.asyncDispose]: () => pool.end(),
  }
}

export function laneOf(world: World, index: number): Lane {
  const lane = world.lanes[index % world.lanes.length]
  if (!lane) throw new Error('a world has a pair at least')
  return lane
}

function newTurn(): Turn {
  return { messageId: randomUUID(), seq: 0 }
}

function noteSeq(rows: readonly unknown[], turn: Turn): void {
  const [row] = rows as { seq?: number | string }[]
  if (row?.seq !== undefined) turn.seq = Number(row.seq)
}
