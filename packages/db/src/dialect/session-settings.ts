import { sql } from 'kysely'
import { codeOf } from '../errors.ts'
import type { Executor } from '../statement.ts'

/*
 * The PostgreSQL settings of our sessions. A direct connection sets them when it opens. Behind a transaction pooler a
 * statement runs in any free session, so the settings are stored as defaults of the role.
 */

/**
 * PostgreSQL's default `random_page_cost` of 4 suits spinning disks. It makes PostgreSQL scan and sort whole tables
 * where an index has the rows of a page in order. 1.1 is the usual value for solid-state disks and cached data.
 */
const settings = { timezone: 'UTC', random_page_cost: '1.1' }

/** An open write transaction delays everyone who reads the event log in commit order, so keep ours short. */
const timeouts = { statement_timeout: '10s', idle_in_transaction_session_timeout: '5s' }

/** Timeouts that exist since this PostgreSQL version. */
const laterTimeouts = { since: 170_000, timeouts: { transaction_timeout: '15s' } }

/** A statement that applies all settings to a session. */
export const SESSION_SETTINGS = assignment({ ...settings, ...timeouts }, laterTimeouts.timeouts)

/** A statement that disables the timeouts of a session. */
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

/** PostgreSQL allows only one change to a role's defaults at a time. An arbitrary number that identifies the lock. */
const DEFAULTS_LOCK = 7_305_884_913

/** SQLSTATE insufficient_privilege, and undefined_object for a role that the pooler knows by another name. */
const NOT_OURS_TO_SET = ['42501', '42704']

/**
 * Stores our settings as defaults for future sessions of the role in this database, except those that already have a
 * default there. The current user must be that role, or be allowed to alter it.
 *
 * @returns false, without having changed anything, if not allowed.
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

/** The timeouts that are not set in the current session. */
export async function missingTimeouts(db: Executor): Promise<string[]> {
  const names = Object.keys({ ...timeouts, ...laterTimeouts.timeouts })
  const { rows } = await sql<{ name: string }>`
    select name from pg_settings where name in (${sql.join(names)}) and setting = '0' order by name`.execute(
    db,
  )
  return rows.map((row) => row.name)
}
