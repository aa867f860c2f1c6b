import type { Compilable, CompiledQuery, Kysely, QueryExecutor } from 'kysely'
import type { Schema } from './schema.ts'

/** Where a query runs: the database, or a transaction in it. */
export type Executor = Kysely<Schema>

/** Stands for a value in the query while it is compiled. */
class Parameter {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

interface Template {
  compiled: CompiledQuery<unknown>
  /** Where in the compiled parameters which named value belongs. */
  slots: readonly (readonly [index: number, name: string])[]
}

/**
 * A query that is built and compiled once for each dialect, then run with values.
 *
 * Building one with Kysely costs more than SQLite needs to answer it. `build` gets a stand-in for each
 * parameter and must use it as a value only: it must not look at it.
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
    // The row type is the one that the same query has when Kysely runs it itself.
    return result.rows as Row[]
  }
}

function compileTemplate<Parameters extends object, Row>(
  db: Executor,
  build: (db: Executor, parameters: Parameters) => Compilable<Row>,
): Template {
  const standIns = new Proxy({}, { get: (_, name) => new Parameter(String(name)) })
  // The stand-ins pass through Kysely as opaque values, so their type is a promise to the compiler alone.
  const compiled = build(db, standIns as Parameters).compile()
  const slots = compiled.parameters.flatMap((value, index) =>
    value instanceof Parameter ? [[index, value.name] as const] : [],
  )
  return { compiled, slots }
}
