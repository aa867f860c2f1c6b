import {
  type Expression,
  type ExpressionBuilder,
  type RawBuilder,
  type ReferenceExpression,
  sql,
} from 'kysely'
import type { Executor } from '../statement.ts'
import { isPostgres } from './column-types.ts'

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

/** All values of a subquery's column as JSON text. */
export function jsonArray(db: Executor, value: Expression<string>): RawBuilder<string> {
  return isPostgres(db) ? sql<string>`json_agg(${value})` : sql<string>`json_group_array(${value})`
}
