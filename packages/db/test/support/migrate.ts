import { openDatabase } from '../../src/index.ts'

// Migrates a database and prints the migrations applied.

const [url = ''] = process.argv.slice(2)
await using database = await openDatabase({ url })
const { applied } = await database.migrate()
process.stdout.write(JSON.stringify(applied))
