import type { Compilable, CompiledQuery, Kysely, QueryExecutor } from 'kysely'
import type { Schema } from './schema.ts'

/** Runs queries: the database, or a transaction in it. */
export type Executor = Kysely<Schema>

/** A placeholder for a value while the query is compiled. */
class Parameter {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

interface Template {
  compiled: CompiledQuery<unknown>
  /** The index of each named value in the compiled parameters. */
  slots: readonly (readonly [index: number, name: string])[]
}

/**
 * A query that is built and compiled once per dialect, then run with different values.
 *
 * Building a query with Kysely takes longer than SQLite takes to run it. `build` receives a placeholder for each
 * parameter and may only pass it on as a value, not inspect it.
 *
 * @example
 * const findById = statement((db, p: { id: string }) =>
 *   db.selectFrom('users').select(['id', 'username']).where('id', '=', p.id))
 * const rows = await findById(db, { id })
 */
export function statement<Parameters extends object, Row>(
  build: (db: Executor, parameters: Parameters) => Compilable<Row>,
): (db: Executor, parameters: Parameters) => Promise<Row[]> {
  const templates = new Map<unknown, Template>()

  return async function run(db, parameters) {
    const executor: QueryExecutor = db.getExecutor()
    const dialect = executor.adapter.constructor
    let template = templates.get(dialect)
    if (!template) {
      template = compileTemplate(db, build)
      templates.set(dialect, template)
    }
    const values = parameters as Record<string, unknown>
    const filled = [...template.compiled.parameters]
    for (const [index, name] of template.slots) filled[index] = values[name]
    const result = await db.executeQuery({ ...template.compiled, parameters: filled })
    // The row type is the one Kysely infers for the same query.
    return result.rows as Row[]
  }
}

function compileTemplate<Parameters extends object, Row>(
  db: Executor,
  build: (db: Executor, parameters: Parameters) => Compilable<Row>,
): Template {
  const placeholders = new Proxy({}, { get: (_, name) => new Parameter(String(name)) })
  // Kysely passes the placeholders through as opaque values, so only the compiler sees their type.
  const compiled = build(db, placeholders as Parameters).compile()
  const slots = compiled.parameters.flatMap((value, index) =>
    value instanceof Parameter ? [[index, value.name] as const] : [],
  )
  return { compiled, slots }
}
