import { createEmptyDatabase } from '@sotto/testing/internal/databases'
import { expect, test } from 'vitest'
import { openDatabase } from '../src/index.ts'
import { migrations } from '../src/migrations/index.ts'
import { problemsOf } from './support/migration-rules.ts'

/* A migration runs while servers of the release before serve: it must not stop who uses a large table. */

/** The first one makes everything there is from nothing. */
const [, ...later] = Object.keys(migrations)

test('no migration locks a table that is in use, or takes away what servers before it need', async () => {
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
    const judged = { ...migrations[name], statements: statementsOf.get(name) ?? [] }
    expect(judged.statements, name).not.toEqual([])
    for (const problem of await problemsOf(judged)) found.push(`${name}: ${problem}`)
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
])('"%s" is refused', async (statement, rule) => {
  expect(await problemsOf({ statements: [statement] })).toContain(rule)
})

test.each([
  ['alter table messages add column x text'],
  ["alter table messages add column x text not null default ''"],
  ['create table x (id uuid not null primary key)', 'create index x_id on x (id)'],
  ['alter table messages add constraint x foreign key (sender_id) references users (id) not valid'],
  ['alter table messages validate constraint x'],
])('"%s" passes', async (...statements) => {
  expect(await problemsOf({ statements })).toEqual([])
})

test('an index is made concurrently, outside of a transaction', async () => {
  const drop = 'drop index concurrently if exists messages_x'
  const statements = [drop, 'create index concurrently messages_x on messages (created_at)']
  expect(await problemsOf({ statements, inTransaction: false })).toEqual([])
  expect(await problemsOf({ statements })).toContain('ban-concurrent-index-creation-in-transaction')
})

test('what is taken away says from which server on', async () => {
  const statements = ['alter table messages drop column text']
  expect(await problemsOf({ statements, servesFrom: later[0] })).toEqual([])
})
