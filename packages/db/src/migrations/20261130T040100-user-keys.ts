import { type Kysely, sql } from 'kysely'
import { createIndexConcurrently } from '../dialect/concurrent-index.ts'
import { foldName } from '../fold-name.ts'

export const inTransaction = false

/** Users per statement. */
const BATCH = 1_000
const FIRST_ID = '00000000-0000-0000-0000-000000000000'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Without erased users: a server of the previous release erases users without freeing their external id.
  await createIndexConcurrently(db, 'users_external_id', {
    on: 'users',
    columns: ['external_id'],
    isUnique: true,
    where: sql`erased_at is null`,
  })
  await updateNameKeys(db)
}

/** Names are found in any Unicode form from now on, so their keys change. */
async function updateNameKeys(db: Kysely<unknown>): Promise<void> {
  for (let after = FIRST_ID; ; ) {
    const { rows } = await sql<{ id: string; display_name: string | null; display_name_key: string | null }>`
      select id, display_name, display_name_key from users where id > ${after} order by id limit ${BATCH}
    `.execute(db)
    for (const { id, display_name: name, display_name_key: key } of rows) {
      if (name === null || foldName(name) === key) continue
      // Unless a server has changed the name in the meantime.
      await sql`update users set display_name_key = ${foldName(name)}
        where id = ${id} and display_name = ${name}`.execute(db)
    }
    const last = rows.at(-1)
    if (!last || rows.length < BATCH) return
    after = last.id
  }
}
