import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import pg from 'pg'
import { openDatabase } from '../../src/index.ts'

/** A statement as passed to the driver. */
export interface Statement {
  sql: string
  parameters: readonly unknown[]
}

/** The cost of running a statement. */
export interface Cost {
  /** Rows read, by table, including filtered rows and lookups of joins. */
  reads: Record<string, number>
  /** Violations in the plan: unbounded scans, or sorts of more than a page. */
  faults: string[]
  plan: string
}

export interface Explainer extends AsyncDisposable {
  /** Runs the statement and measures its cost. */
  explain(statement: Statement): Promise<Cost>
}

/** Tables that grow with use, so must not be scanned. */
const BIG_TABLES = [
  'users',
  'sessions',
  'service_keys',
  'invitations',
  'audit',
  'conversations',
  'participants',
  'contacts',
  'blocks',
  'messages',
  'reactions',
  'receipts',
] as const

/** Above the longest page, and above what the search by display name sorts. */
const MAX_SORTED = 250

/** PostgreSQL first plans a named statement for its values, and later once for any values. */
export type PlanCacheMode = 'force_custom_plan' | 'force_generic_plan'

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: PlanNode[]
}

export async function postgresExplainer(url: string, mode: PlanCacheMode): Promise<Explainer> {
  // A single connection with the settings the server uses.
  const database = await openDatabase({ url, poolSize: 1 })
  const run = <Row>(text: string) => sql.raw<Row>(text).execute(database.db)
  await run(`set plan_cache_mode = ${mode}`)
  return {
    async explain(statement) {
      await run(`prepare explained as ${statement.sql}`)
      try {
        const values = statement.parameters.map(toLiteral).join(', ')
        const { rows } = await run<{ 'QUERY PLAN': string }>(
          `explain (analyze, format json) execute explained${values && `(${values})`}`,
        )
        // As documented by PostgreSQL.
        const [explained] = JSON.parse(rows[0]?.['QUERY PLAN'] ?? '[]') as { Plan: PlanNode }[]
        if (!explained) throw new Error('no plan')
        return toCost(explained.Plan)
      } finally {
        await run('deallocate explained')
      }
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

function toLiteral(value: unknown): string {
  if (value === null) return 'null'
  if (value instanceof Date) return pg.escapeLiteral(value.toISOString())
  if (Array.isArray(value)) return pg.escapeLiteral(`{${value.join(',')}}`)
  return pg.escapeLiteral(String(value))
}

function toCost(root: PlanNode): Cost {
  const cost: Cost = { reads: {}, faults: [], plan: '' }
  visit(root, 0)
  return cost

  function visit(node: PlanNode, depth: number): void {
    const table = node['Relation Name']
    const loops = node['Actual Loops']
    const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
    const rows = Math.round((node['Actual Rows'] + removed) * loops)
    cost.plan += `${'  '.repeat(depth)}${node['Node Type']} ${table ?? ''} rows=${rows} loops=${loops}\n`
    if (table) {
      cost.reads[table] = (cost.reads[table] ?? 0) + rows
      if (node['Node Type'] === 'Seq Scan' && loops > 0) cost.faults.push(`scans ${table}`)
    }
    // An incremental sort only sorts the rows of the same time, which an index returns together.
    if (node['Node Type'] === 'Sort' && sortedRows(node) > MAX_SORTED) {
      cost.faults.push(`sorts ${sortedRows(node)} rows`)
    }
    for (const child of node.Plans ?? []) visit(child, depth + 1)
  }
}

/** The number of rows that go into a sort. With a limit, fewer come out. */
function sortedRows(node: PlanNode): number {
  return Math.max(0, ...(node.Plans ?? []).map((child) => child['Actual Rows'] * child['Actual Loops']))
}

/**
 * Counts the rows that SQLite reads. better-sqlite3 does not expose SQLite's own counters.
 *
 * Each table is hidden by a view of the same name that calls a function for every row. SQLite flattens such a view into
 * the statement around it, so the plan stays the same. If it did not, that would be reported as a fault.
 */
export function sqliteExplainer(file: string): Explainer {
  const plain = new Sqlite(file, { readonly: true })
  const counting = new Sqlite(file, { readonly: true })
  let reads: Record<string, number> = {}
  counting.function('read_row', { deterministic: false, varargs: false }, (table: unknown, _row: unknown) => {
    reads[String(table)] = (reads[String(table)] ?? 0) + 1
    return 1
  })
  for (const table of BIG_TABLES) {
    counting.exec(
      `create temp view ${table} as select * from main.${table} where read_row('${table}', ${table}.rowid)`,
    )
  }
  return {
    async explain(statement) {
      const values = statement.parameters.map((value) => (value instanceof Date ? value.getTime() : value))
      const plan = planOf(plain, statement.sql, values)
      const faults = plan.split('\n').flatMap((detail) => toFault(detail, plan))
      if (withoutNames(planOf(counting, statement.sql, values)) !== withoutNames(plan))
        faults.push('the plan with counting differs')
      reads = {}
      counting.prepare(statement.sql).all(values)
      return { reads, faults, plan }
    },
    async [Symbol.asyncDispose]() {
      plain.close()
      counting.close()
    },
  }
}

/** Removes table names, which differ for a view. */
function withoutNames(plan: string): string {
  const flattened = plan.replaceAll(/^(SCAN|SEARCH) \S+/gm, '$1')
  // The function call can make SQLite add an in-memory filter to the same plan.
  return flattened.replaceAll(/^BLOOM FILTER .*\n/gm, '')
}

function planOf(database: Sqlite.Database, text: string, values: unknown[]): string {
  const rows = database.prepare<unknown[], { detail: string }>(`explain query plan ${text}`).all(values)
  return rows.map((row) => row.detail).join('\n')
}

function toFault(detail: string, plan: string): string[] {
  // Lists passed as JSON are scanned by design, and a select without a table has one row. A materialized part of the
  // statement is as long as its own plan allows.
  const [, scanned] = /^SCAN (?!json_each|CONSTANT ROW)(\S+)/.exec(detail) ?? []
  if (scanned && !new RegExp(`^(MATERIALIZE|CO-ROUTINE) ${scanned}$`, 'm').test(plan)) return [detail]
  // Sorting rows that an index returns partly sorted is not a full sort.
  if (/^BLOOM FILTER/.test(detail)) return [detail]
  if (/TEMP B-TREE FOR ORDER BY/.test(detail)) return [detail]
  return []
}
