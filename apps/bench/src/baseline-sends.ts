import { randomUUID } from 'node:crypto'
import Sqlite from 'better-sqlite3'
import pg from 'pg'
import { type Figures, type Load, measure } from './load.ts'
import type { Lane, SendValues, World } from './world.ts'

/** Gives back the rows. */
type Run = (sql: string, parameters: readonly unknown[]) => Promise<unknown[]> | unknown[]

/** The statements of a send, straight through the driver: one transaction a message, no HTTP, nothing else. */
export async function measureBaselineSends(databaseUrl: string, world: World, load: Load): Promise<Figures> {
  const steps = toSteps(world)
  if (databaseUrl.startsWith('file:')) {
    const database = openSqlite(databaseUrl.slice('file:'.length))
    const prepared = new Map<string, Sqlite.Statement>()
    const run: Run = (sql, parameters) => {
      let statement = prepared.get(sql)
      if (!statement) prepared.set(sql, (statement = database.prepare(sql)))
      const bound = parameters.map((value) => (value instanceof Date ? value.getTime() : value))
      if (statement.reader) return statement.all(bound)
      statement.run(bound)
      return []
    }
    const send = (lane: Lane) => {
      run('begin immediate', [])
      for (const step of steps) step(run, lane)
      run('commit', [])
    }
    try {
      // One writer: lanes would only take turns. The loop is let go of now and then, as a load's clock needs.
      return await measure({ ...load, connections: 1 }, async (_, turn) => {
        send(laneOf(world, turn))
        if (turn % 100 === 0) await new Promise(setImmediate)
      })
    } finally {
      database.close()
    }
  }
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 })
  const names = new Map<string, string>()
  try {
    return await measure(load, async (lane) => {
      const client = await pool.connect()
      const run: Run = async (sql, parameters) => {
        let name = names.get(sql)
        if (!name) names.set(sql, (name = `s${names.size}`))
        return (await client.query({ name, text: sql, values: [...parameters] })).rows
      }
      await client.query('begin')
      for (const step of steps) await step(run, laneOf(world, lane))
      await client.query('commit')
      client.release()
    })
  } finally {
    await pool.end()
  }
}

function openSqlite(path: string): Sqlite.Database {
  const database = new Sqlite(path)
  database.pragma('journal_mode = wal')
  database.pragma('synchronous = full')
  database.pragma('foreign_keys = on')
  database.pragma('cache_size = -32768')
  return database
}

function laneOf(world: World, index: number): Lane {
  const lane = world.lanes[index % world.lanes.length]
  if (!lane) throw new Error('a world has a pair at least')
  return lane
}

/** A send in the making: the values that its statements hand on. */
interface Turn {
  messageId: string
  seq: number
}

type Step = (run: Run, lane: Lane) => Promise<void> | void

/** The captured statements with the values that change taken out and put in anew. */
function toSteps(world: World): Step[] {
  const { statements, values } = world.send
  const turns = new WeakMap<Run, Turn>()
  return statements.map(({ sql, parameters }) => (run, lane) => {
    let turn = turns.get(run)
    if (!turn || sql === statements[0]?.sql) turns.set(run, (turn = { messageId: randomUUID(), seq: 0 }))
    const current = turn
    const bound = parameters.map((value) => replace(value, values, lane, current))
    const rows = run(sql, bound)
    return rows instanceof Promise ? rows.then((done) => note(done, current)) : note(rows, current)
  })
}

function note(rows: readonly unknown[], turn: Turn): void {
  const [row] = rows as { last_seq?: number | string }[]
  if (row?.last_seq !== undefined) turn.seq = Number(row.last_seq)
}

function replace(value: unknown, from: SendValues, to: Lane, turn: Turn): unknown {
  const { lane } = from
  if (value instanceof Date) return new Date()
  switch (value) {
    case from.messageId:
      return turn.messageId
    case from.seq:
      return turn.seq
    case from.seq - 1:
      return turn.seq - 1
    case lane.conversationId:
      return to.conversationId
    case lane.sender.id:
      return to.sender.id
    case lane.recipient.id:
      return to.recipient.id
    case keyOf(lane):
      return keyOf(to)
    default:
      return value
  }
}

function keyOf({ sender, recipient }: Lane): string {
  return [sender.id, recipient.id].sort().join(':')
}
