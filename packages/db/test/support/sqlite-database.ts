import { createEmptyDatabase, type EmptyDatabase } from '@sotto/testing/internal/databases'
import { afterEach, beforeEach } from 'vitest'
import { type Database, type Executor, openDatabase } from '../../src/index.ts'
import { addUser } from './users.ts'

export interface SqliteDatabase {
  readonly file: string
  readonly url: string
  readonly database: Database
  readonly db: Executor
  /** Adds a user in a transaction. */
  add: (n: number) => Promise<void>
}

/** Gives each test of a file a SQLite database of its own. */
export function useSqliteDatabase(): SqliteDatabase {
  let empty: EmptyDatabase
  let database: Database
  beforeEach(async () => {
    empty = await createEmptyDatabase('sqlite')
    database = await openDatabase({ url: empty.url })
    await database.migrate()
  })
  afterEach(async () => {
    await database[Symbol.asyncDispose]()
    await empty[Symbol.asyncDispose]()
  })
  return {
    get file() {
      return empty.file
    },
    get url() {
      return empty.url
    },
    get database() {
      return database
    },
    get db() {
      return database.db
    },
    add: (n) => database.db.transaction().execute((trx) => addUser(trx, n)),
  }
}
