import { parseArgs } from 'node:util'
import { makers } from './databases.ts'
import { measureOperations } from './operations.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    on: { type: 'string', default: 'sqlite,postgres' },
  },
  allowPositionals: true,
})

for (const kind of values.on.split(',')) {
  if (kind !== 'sqlite' && kind !== 'postgres')
    throw new Error('--on takes sqlite, postgres or both with a comma')
  await using database = await makers[kind]()
  await measureOperations(database, Number(values.seconds))
}
