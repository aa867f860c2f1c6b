import { createEmptyDatabase } from '@sotto/testing/internal/databases'
import { expect, test } from 'vitest'
import { openDatabase } from '../src/index.ts'
import { migrations } from '../src/migrations/index.ts'
import { problemsOf } from './support/migration-rules.ts'

/* Servers of the previous release keep running during a migration, so it must not block the use of large tables. */

/** The first migration creates all tables, so no table is in use yet. */
const [, ...later] = Object.keys(migrations)

test('no migration blocks a table in use, or removes what older servers need', async () => {
  const statementsOf = new Map<string, string[]>()
  let statements: string[] = []
  await using empty = await createEmptyDatabase('postgres')
  await using database = await openDatabase({
    url: empty.url,
    onStatement(sql, parameters) {
      if (sql.startsWith('insert into "migrations" ')) {
        statementsOf.set(String(parameters[0]), statements)
        statements = []
      } else if (!/^\s*(select|with)\b/.test(sql)) statements.push(sql)
    },
  })
  await database.migrate()

  const found: string[] = []
  for (const name of later) {
    const checked = { ...migrations[name], statements: statementsOf.get(name) ?? [] }
    expect(checked.statements, name).not.toEqual([])
    for (const problem of await problemsOf(checked)) found.push(`${name}: ${problem}`)
  }
  expect(found).toEqual([])
})

test.each([
  ['create index messages_x on messages (created_at)', 'require-concurrent-index-creation'],
  ['drop index messages_time', 'require-concurrent-index-deletion'],
  ['alter table messages add column x uuid default gen_random_uuid()', 'adding-field-with-default'],
  ['alter table messages add column x text not null', 'adding-required-field'],
  ['alter table messages alter column text set not null', 'adding-not-nullable-field'],
  ['alter table messages alter column seq type numeric', 'changing-column-type'],
  [
    'alter table messages add constraint x foreign key (sender_id) references users (id)',
    'adding-foreign-key-constraint',
  ],
  ['alter table messages add constraint x check (seq > 0)', 'constraint-missing-not-valid'],
  ['alter table messages add constraint x unique (text)', 'disallowed-unique-constraint'],
  ['alter table messages drop column text', 'ban-drop-column'],
  ['drop table audit', 'ban-drop-table'],
  ['alter table messages rename column text to body', 'renaming-column'],
])('rejects "%s"', async (statement, rule) => {
  expect(await problemsOf({ statements: [statement] })).toContain(rule)
})

test.each([
  ['alter table messages add column x text'],
  ["alter table messages add column x text not null default ''"],
  ['create table x (id uuid not null primary key)', 'create index x_id on x (id)'],
  ['alter table messages add constraint x foreign key (sender_id) references users (id) not valid'],
  ['alter table messages validate constraint x'],
])('accepts "%s"', async (...statements) => {
  expect(await problemsOf({ statements })).toEqual([])
})

test('accepts a concurrent index only outside a transaction', async () => {
  const drop = 'drop index concurrently if exists messages_x'
  const statements = [drop, 'create index concurrently messages_x on messages (created_at)']
  expect(await problemsOf({ statements, inTransaction: false })).toEqual([])
  expect(await problemsOf({ statements })).toContain('ban-concurrent-index-creation-in-transaction')
})

test('accepts a removal only with servesFrom', async () => {
  const statements = ['alter table messages drop column text']
  expect(await problemsOf({ statements, servesFrom: later[0] })).toEqual([])
})
