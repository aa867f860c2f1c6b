import { createEmptyDatabase, dialects } from '@sotto/testing/internal/databases'
import { describe, expect, test } from 'vitest'
import { openDatabase, store } from '../src/index.ts'
import { migrations } from '../src/migrations/index.ts'
import type { SchemaMigration } from '../src/migrations/migration.ts'
import { idOf } from './support/users.ts'

const MIGRATION = '20261130T040100-user-keys'

/** Removes this migration and later ones, and returns a function that adds them again. */
function before(name: string): () => void {
  const later: [string, SchemaMigration][] = Object.entries(migrations).filter(([key]) => key >= name)
  for (const [key] of later) delete migrations[key]
  return () => void Object.assign(migrations, Object.fromEntries(later))
}

describe.each(dialects)('the keys of users on %s', (using) => {
  test('of an earlier release are updated, so that names are found in any Unicode form', async () => {
    const names = ['Jose\u0301', 'José', 'WEIẞ', 'İstanbul', '한국'.normalize('NFD'), 'Anna', null]
    await using empty = await createEmptyDatabase(using)
    await using database = await openDatabase({ url: empty.url })
    const { db } = database
    const restore = before(MIGRATION)
    try {
      await database.migrate()
    } finally {
      restore()
    }
    // More than one batch.
    for (let n = 0; n < 1_100; n++) names.push(`User ${n}`)
    const at = new Date('2026-01-01T00:00:00.000Z')
    await db
      .insertInto('users')
      .values(
        names.map((name, n) => ({
          id: idOf(n + 1),
          username: `u${String(n).padStart(4, '0')}`,
          display_name: name,
          display_name_key: name?.toLowerCase() ?? null,
          role: 'user' as const,
          created_at: at,
          updated_at: at,
        })) as never,
      )
      .execute()

    await database.migrate()

    const found = async (prefix: string) =>
      (await store.users.search(db, prefix, '', 10)).rows.map(({ username }) => username)
    expect(await found('JOSÉ')).toEqual(['u0000', 'u0001'])
    expect(await found('weiss')).toEqual(['u0002'])
    expect(await found('istanbul')).toEqual(['u0003'])
    expect(await found('한국')).toEqual(['u0004'])
    expect(await found('anna')).toEqual(['u0005'])
    expect(await found('user 1099')).toEqual(['u1106'])
  })

  test('free an external id with the erasure of its user, even by an earlier release', async () => {
    await using empty = await createEmptyDatabase(using)
    await using database = await openDatabase({ url: empty.url })
    await database.migrate()
    const { db } = database
    const insert = (n: number, username: string, externalId: string) =>
      db.transaction().execute((trx) =>
        store.users.insert(trx, {
          id: idOf(n),
          username,
          externalId,
          displayName: null,
          firstName: null,
          lastName: null,
          email: null,
          avatarUrl: null,
          passwordHash: null,
          at: new Date('2026-01-01T00:00:00.000Z'),
        }),
      )
    expect(await insert(1, 'a', 'X')).toBe(true)
    expect(await insert(2, 'b', 'X')).toBe(false)
    expect(await insert(2, 'b', 'x')).toBe(true)
    // As the earlier release does it.
    await db
      .updateTable('users')
      .set({ erased_at: new Date(), username: 'erased' })
      .where('id', '=', idOf(1))
      .execute()
    expect(await store.users.find(db, 'ext:X')).toBe(undefined)
    expect(await insert(3, 'a', 'X')).toBe(true)
    expect((await store.users.find(db, 'ext:X'))?.id).toBe(idOf(3))
  })
})
