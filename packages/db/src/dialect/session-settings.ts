import { sql } from 'kysely'
import { codeOf } from '../errors.ts'
import type { Executor } from '../statement.ts'

/*
 * What our sessions at PostgreSQL have other than the server's defaults. A session of one's own is given them when
 * it begins. Behind a transaction pooler there is none: a statement goes to whichever session is free, so there they
 * are given to the role, with which every session begins.
 */

/**
 * PostgreSQL's default for `random_page_cost`, 4, is that of a spinning disk, and makes it read whole tables and sort
 * them where an index has a page in order. 1.1 is the usual figure for solid state and for what is cached.
 */
const settings = { timezone: 'UTC', random_page_cost: '1.1' }

/** An open writer holds back everyone who reads the event log in commit order, so ours are short. */
const timeouts = { statement_timeout: '10s', idle_in_transaction_session_timeout: '5s' }

/** As those, from this version on. */
const laterTimeouts = { since: 170_000, timeouts: { transaction_timeout: '15s' } }

/** One statement that gives a session all of them. */
export const SESSION_SETTINGS = assignment({ ...settings, ...timeouts }, laterTimeouts.timeouts)

/** One statement after which statements and pauses of a session may take as long as they need. */
export const NO_TIMEOUTS = assignment(withoutLimit(timeouts), withoutLimit(laterTimeouts.timeouts))

function assignment(always: Record<string, string>, later: Record<string, string>): string {
  const assign = ([name, value]: [string, string]) => `set_config('${name}', '${value}', false)`
  const isLater = `current_setting('server_version_num')::int >= ${laterTimeouts.since}`
  return `select ${[
    ...Object.entries(always).map(assign),
    ...Object.entries(later).map((entry) => `case when ${isLater} then ${assign(entry)} end`),
  ].join(', ')}`
}

function withoutLimit(limits: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.keys(limits).map((name) => [name, '0']))
}

/** One at a time may change a role's defaults; the number is the lock's name and nothing else. */
const DEFAULTS_LOCK = 7_305_884_913

/** SQLSTATE insufficient_privilege, and undefined_object: the pooler knows the role by another name. */
const NOT_OURS_TO_SET = ['42501', '42704']

/**
 * Gives a role's sessions in this database our settings from the next one on, but for those that somebody has given
 * it there already. Needs to be that role, or one that may alter it.
 *
 * @returns false where it may not, and has done nothing.
 */
export async function setRoleDefaults(db: Executor, role: string): Promise<boolean> {
  try {
    await db.transaction().execute((trx) => addRoleDefaults(trx, role))
    return true
  } catch (error) {
    if (NOT_OURS_TO_SET.includes(codeOf(error))) return false
    throw error
  }
}

async function addRoleDefaults(trx: Executor, role: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(${sql.lit(DEFAULTS_LOCK)})`.execute(trx)
  const { rows } = await sql<{ database: string; version: number; given: string[] | null }>`
    select current_database() as database, current_setting('server_version_num')::int as version,
      (select setconfig from pg_db_role_setting
       where setdatabase = (select oid from pg_database where datname = current_database())
         and setrole = (select oid from pg_roles where rolname = ${role})) as given`.execute(trx)
  const { database = '', version = 0, given = null } = rows[0] ?? {}
  const wanted = { ...settings, ...timeouts, ...(version >= laterTimeouts.since && laterTimeouts.timeouts) }
  for (const [name, value] of Object.entries(wanted)) {
    if (given?.some((setting) => setting.toLowerCase().startsWith(`${name}=`))) continue
    await sql`alter role ${sql.id(role)} in database ${sql.id(database)} set ${sql.raw(name)} = ${sql.lit(value)}`.execute(
      trx,
    )
  }
}

/** The names of the timeouts that the session lacks which answers. */
export async function missingTimeouts(db: Executor): Promise<string[]> {
  const names = Object.keys({ ...timeouts, ...laterTimeouts.timeouts })
  const { rows } = await sql<{ name: string }>`
    select name from pg_settings where name in (${sql.join(names)}) and setting = '0' order by name`.execute(
    db,
  )
  return rows.map((row) => row.name)
}
