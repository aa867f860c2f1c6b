import { createEmptyDatabase, withPostgres } from '@sotto/testing/internal/databases'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../src/index.ts'
import { migrations } from '../src/migrations/index.ts'

const NEXT = '29991231T000000-of-a-test'

test('migrations on a postgres in use retry instead of blocking other queries for long', async () => {
  await using empty = await createEmptyDatabase('postgres')
  await using database = await openDatabase({ url: empty.url })
  await database.migrate()
  migrations[NEXT] = {
    up: (db) => db.schema.alterTable('messages').addColumn('pinned_at', 'timestamptz').execute(),
  }
  onTestFinished(() => void delete migrations[NEXT])
  const waits: number[] = []
  let migrating: Promise<unknown> = Promise.resolve()
  await withPostgres(empty.url, async (longReader) => {
    await longReader.query('begin; select 1 from messages')
    migrating = database.migrate()
    // Longer than one attempt of the migration waits for the lock.
    const until = performance.now() + 3_000
    await withPostgres(empty.url, async (reader) => {
      while (performance.now() < until) {
        const startedAt = performance.now()
        await reader.query('select 1 from messages')
        waits.push(performance.now() - startedAt)
      }
    })
    await longReader.query('commit')
  })

  expect(await migrating).toMatchObject({ applied: [NEXT] })
  // A query waited behind the migration, which waited behind the long reader.
  expect(Math.max(...waits)).toBeGreaterThan(500)
  expect(Math.max(...waits)).toBeLessThan(2_900)
})
