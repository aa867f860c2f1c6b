import { openDatabase } from '../../src/index.ts'
import { addUser } from './users.ts'

// Adds users 1, 2, 3, … concurrently until killed, and prints each number once its transaction has been acknowledged.

const [url = ''] = process.argv.slice(2)
const database = await openDatabase({ url })
await database.migrate()
let last = 0

async function write(): Promise<void> {
  for (;;) {
    const n = ++last
    await database.db.transaction().execute((trx) => addUser(trx, n))
    process.stdout.write(`${n}\n`)
  }
}

await Promise.all([write(), write(), write(), write()])
