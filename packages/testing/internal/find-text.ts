import type { Executor } from '@sotto/db'
import { sql } from 'kysely'

/** Searches every column of every table for a text in lower case, ignoring case. @returns `table.column` names */
export async function findText(db: Executor, text: string): Promise<string[]> {
  const found: string[] = []
  for (const table of await db.introspection.getTables()) {
    for (const { name } of table.columns) {
      const { rows } = await sql<{ n: number }>`
        select count(*) as n from ${sql.table(table.name)}
        where lower(cast(${sql.ref(name)} as text)) like ${`%${text}%`}
      `.execute(db)
      if (rows[0]?.n) found.push(`${table.name}.${name}`)
    }
  }
  return found.sort()
}
