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
 * What the two databases say differently. A list is one parameter on both, so that the text of a statement, and
 * with it the prepared one, does not depend on how many values there are.
 */

/** A list of ids as the value of one parameter. */
export type IdList = { readonly ids: never }

export function idList(db: Executor, ids: readonly string[]): IdList {
  // The drivers take an array (PostgreSQL) or a JSON text (SQLite); `inList` is the only one to look at it.
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
 * Whether a subquery finds anything, asked anew for each row of the query that it stands in: PostgreSQL may answer
 * `exists` for many rows by a walk through the whole table.
 */
export function findsOne<DB, TB extends keyof DB>(
  query: SelectQueryBuilder<DB, TB, object>,
): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${query.clearSelect().select(sql.lit(1).as('one')).limit(1)}) is not null`
}

/** All values of a subquery's column as JSON text. */
export function jsonArray(db: Executor, value: Expression<string>): RawBuilder<string> {
  return isPostgres(db) ? sql<string>`json_agg(${value})` : sql<string>`json_group_array(${value})`
}

/** The row that a `givenRows` of these columns is. Each may be null; a null in the type is left to the caller. */
export type Given<Columns extends Record<string, GivenType>> = {
  [Name in keyof Columns]: GivenTypes[Columns[Name]]
}

/** Rows as the value of one parameter, a JSON text, in the table `given`. */
export function givenRows<Columns extends Record<string, GivenType>>(
  db: Executor,
  json: string,
  columns: Columns,
): AliasedRawBuilder<Given<Columns>, 'given'> {
  const names = Object.entries(columns)
  if (isPostgres(db)) {
    // A text that is read as a JSON column would become a JSON string.
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

/** One row whose columns are a parameter each, in the table `given`: what `givenRows` is for many, without the JSON. */
export function givenRow<Columns extends Record<string, GivenType>>(
  parameters: { readonly [Name in keyof Columns]: unknown },
  columns: Columns,
): AliasedRawBuilder<Given<Columns>, 'given'> {
  const values = Object.keys(columns).map((name) => sql`${parameters[name]} as ${sql.id(name)}`)
  return sql<never>`(select ${sql.join(values)})`.as('given')
}

/**
 * Locks the rows of these tables until the transaction ends, and leaves out those that another one has locked, so
 * that nobody waits for anybody. SQLite has one writer at a time anyway.
 */
export function lockedRows<DB, TB extends keyof DB, Row>(
  db: Executor,
  query: SelectQueryBuilder<DB, TB, Row>,
  tables: readonly (TB & string)[],
): SelectQueryBuilder<DB, TB, Row> {
  return isPostgres(db) ? query.forUpdate(tables as never).skipLocked() : query
}

/** A time that is selected as a value: PostgreSQL does not ask the column that it is for what it is. */
export function timeOf(db: Executor, at: Date): RawBuilder<Date> {
  return isPostgres(db) ? sql<Date>`${at}::timestamptz` : sql<Date>`${at}`
}
