import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { withPostgres } from '@sotto/testing/internal/databases'
import { type BenchDatabase, postgresCommits } from './databases.ts'

/** The unit of /proc/<pid>/stat, in milliseconds: Linux has 100 ticks a second on all common platforms. */
const TICK_MS = 10
/** Backends report their transactions at most once a second, so a window begins when all have done so. */
const LEAD_IN_MS = 2_000

/** What one send of a load has cost. */
export interface Cost {
  transactions: number | undefined
  /** In milliseconds. Undefined where /proc or the database's processes are not visible. */
  serverMs: number | undefined
  postgresMs: number | undefined
}

/**
 * The shortest window, in seconds. As PostgreSQL counts with a delay of up to a second, a shorter one is not exact.
 */
export const MIN_WINDOW_SECONDS = 10

/** The part of a load that is not in the window, in seconds. */
export const LEAD_IN_SECONDS = LEAD_IN_MS / 1_000

/**
 * Measures a window of a load that has just begun and goes on for `LEAD_IN_SECONDS` and the window: transactions, and
 * the processor time of servers and database, for each send that was completed.
 *
 * @param completed returns the number of completed sends
 */
export async function measureCost(
  database: BenchDatabase,
  serverPids: readonly number[],
  seconds: number,
  completed: () => Promise<number>,
): Promise<Cost> {
  const postmaster = await postmasterOf(database)
  const sample = async () => ({
    sends: await completed(),
    commits: await postgresCommits(database),
    server: await sum(serverPids.map(processorTime)),
    postgres: postmaster === undefined ? undefined : await treeTime(postmaster),
  })
  await wait(LEAD_IN_MS)
  const before = await sample()
  await wait(seconds * 1_000)
  const after = await sample()
  const sends = after.sends - before.sends
  const each = (start: number | undefined, end: number | undefined) =>
    start === undefined || end === undefined ? undefined : (end - start) / sends
  return {
    transactions: each(before.commits, after.commits),
    serverMs: each(before.server, after.server),
    postgresMs: each(before.postgres, after.postgres),
  }
}

async function sum(times: Promise<number | undefined>[]): Promise<number | undefined> {
  const known = await Promise.all(times)
  return known.reduce(
    (total, time) => (total === undefined || time === undefined ? undefined : total + time),
    0,
  )
}

interface Stat {
  parent: number
  /** Of the process itself, in milliseconds. */
  own: number
  /** Of its children that have exited. */
  exited: number
}

async function statOf(pid: number): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  // The second field is the command in parentheses, which can contain spaces.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [, parent = 0] = fields
  const [user = 0, system = 0, exitedUser = 0, exitedSystem = 0] = fields.slice(11)
  return { parent, own: (user + system) * TICK_MS, exited: (exitedUser + exitedSystem) * TICK_MS }
}

async function processorTime(pid: number): Promise<number | undefined> {
  return (await statOf(pid))?.own
}

/** The postmaster, if PostgreSQL runs on this machine. */
async function postmasterOf({ name, url }: BenchDatabase): Promise<number | undefined> {
  if (name !== 'PostgreSQL') return undefined
  return withPostgres(url, async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const pid = rows[0]?.pid ?? 0
    const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
    return command.startsWith('postgres') ? (await statOf(pid))?.parent : undefined
  })
}

/** The time of a process, its children, and those of them that have exited. */
async function treeTime(pid: number): Promise<number | undefined> {
  const root = await statOf(pid)
  if (!root) return undefined
  let total = root.own + root.exited
  for (const entry of await readdir('/proc')) {
    const stat = /^\d+$/.test(entry) ? await statOf(Number(entry)) : undefined
    if (stat?.parent === pid) total += stat.own
  }
  return total
}
