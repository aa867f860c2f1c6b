import {
  type AliasedRawBuilder,
  type Expression,
  type ExpressionBuilder,
  type RawBuilder,
  type ReferenceExpression,
  type SelectQueryBuilder,
  type SqlBool,
  sql,
} from 'kysely'
import type { Executor } from '../statement.ts'
import { type GivenType, type GivenTypes, isPostgres } from './column-types.ts'

/*
 * Expressions that differ between the two databases. A list is a single parameter on both, so that the text of a
 * statement, and thus its prepared form, does not depend on the number of values.
 */

/** A list of ids as a single parameter. */
export type IdList = { readonly ids: never }

export function idList(db: Executor, ids: readonly string[]): IdList {
  // PostgreSQL takes an array, SQLite a JSON text. Only `inList` reads the value.
  return (isPostgres(db) ? ids : JSON.stringify(ids)) as unknown as IdList
}

/** `reference in list`. */
export function inList<DB, TB extends keyof DB>(
  db: Executor,
  eb: ExpressionBuilder<DB, TB>,
  reference: ReferenceExpression<DB, TB>,
  list: IdList,
): RawBuilder<boolean> {
  const column = eb.ref(reference as never)
  return isPostgres(db)
    ? sql<boolean>`${column} = any(${list}::uuid[])`
    : sql<boolean>`${column} in (select value from json_each(${list}))`
}

/**
 * Whether a subquery returns a row, evaluated for each row of the outer query. PostgreSQL may evaluate `exists` for
 * many rows by scanning the whole table.
 */
export function findsOne<DB, TB extends keyof DB>(
  query: SelectQueryBuilder<DB, TB, object>,
): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${query.clearSelect().select(sql.lit(1).as('one')).limit(1)}) is not null`
}

/** Aggregates the values of a column as JSON text. */
export function jsonArray(db: Executor, value: Expression<string>): RawBuilder<string> {
  return isPostgres(db) ? sql<string>`json_agg(${value})` : sql<string>`json_group_array(${value})`
}

/** A row of `givenRows` with these columns. Any value may be null, which callers must express in their types. */
export type Given<Columns extends Record<string, GivenType>> = {
  [Name in keyof Columns]: GivenTypes[Columns[Name]]
}

/** Rows passed as a single JSON parameter, as the table `given`. */
export function givenRows<Columns extends Record<string, GivenType>>(
  db: Executor,
  json: string,
  columns: Columns,
): AliasedRawBuilder<Given<Columns>, 'given'> {
  const names = Object.entries(columns)
  if (isPostgres(db)) {
    // Declared as json, a string would be encoded as JSON once more.
    const definitions = names.map(
      ([name, type]) => sql`${sql.id(name)} ${sql.raw(type === 'json' ? 'text' : type)}`,
    )
    const values = names.map(([name, type]) =>
      type === 'json' ? sql`${sql.id(name)}::json as ${sql.id(name)}` : sql.id(name),
    )
    return sql<never>`(select ${sql.join(values)}
      from json_to_recordset(${json}::json) as given(${sql.join(definitions)}))`.as('given')
  }
  const values = names.map(([name]) => sql`value ->> ${sql.lit(name)} as ${sql.id(name)}`)
  return sql<never>`(select ${sql.join(values)} from json_each(${json}))`.as('given')
}

/** A single row with one parameter per column, as the table `given`. The same as `givenRows`, without the JSON. */
export function givenRow<Columns extends Record<string, GivenType>>(
  parameters: { readonly [Name in keyof Columns]: unknown },
  columns: Columns,
): AliasedRawBuilder<Given<Columns>, 'given'> {
  const values = Object.keys(columns).map((name) => sql`${parameters[name]} as ${sql.id(name)}`)
  return sql<never>`(select ${sql.join(values)})`.as('given')
}

/**
 * Locks the rows of these tables until the transaction ends, and skips rows locked by other transactions, so that no
 * transaction waits. Does nothing on SQLite, which has a single writer.
 */
export function lockedRows<DB, TB extends keyof DB, Row>(
  db: Executor,
  query: SelectQueryBuilder<DB, TB, Row>,
  tables: readonly (TB & string)[],
): SelectQueryBuilder<DB, TB, Row> {
  return isPostgres(db) ? query.forUpdate(tables as never).skipLocked() : query
}

/** A time as a selected value. PostgreSQL does not infer its type from the target column. */
export function timeOf(db: Executor, at: Date): RawBuilder<Date> {
  return isPostgres(db) ? sql<Date>`${at}::timestamptz` : sql<Date>`${at}`
}
