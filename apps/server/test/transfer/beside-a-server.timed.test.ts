import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient } from '@sotto/sdk'
import {
  createEmptyDatabase,
  createTemporaryDirectory,
  queryPostgres,
  sotto,
  spawnServer,
  spawnSotto,
} from '@sotto/testing/internal'
import { describe, test, vi } from 'vitest'
import { readExport } from './support/export-file.ts'

// Every test starts many processes.
vi.setConfig({ testTimeout: 90_000 })

/** Longer than other transactions of the server may be idle on PostgreSQL. */
const PAUSE_MS = 6_000

describe.concurrent.each(['sqlite', 'postgres'] as const)(
  'an export from a running server on %s',
  (using) => {
    test('is a consistent snapshot, and delays neither writers nor readers of the event log', async ({
      expect,
    }) => {
      await using files = await createTemporaryDirectory()
      await using database = await createEmptyDatabase(using)
      const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: 'sk_of_a_test' }
      // More than fits into the pipe, so the export has to wait.
      expect((await sotto(['seed', '--users', '20', '--messages', '10000'], settings)).code).toBe(0)
      await using server = await spawnServer(settings)
      const admin = createClient({ url: server.url, token: 'sk_of_a_test' })
      for (const username of ['alice', 'bob']) await admin.users.create({ username })
      await admin.as('alice').messages.send({ to: 'bob', text: 'before the export' })
      const { cursor } = await admin.as('bob').events.pull({})

      const exporting = spawnSotto(['export', '--output', '-'], settings)
      const closed = once(exporting, 'close')
      await once(exporting.stdout, 'readable')
      const begun = performance.now()
      await admin.as('alice').messages.send({ to: 'bob', text: 'during the export' })
      const { items } = await admin.as('bob').events.pull({ cursor, wait: 5 })
      expect(items.map(({ type }) => type)).toContain('message.created')
      expect(performance.now() - begun).toBeLessThan(PAUSE_MS)
      await wait(PAUSE_MS - (performance.now() - begun))
      if (using === 'postgres') {
        const { rows } = await queryPostgres(
          database.url,
          "select backend_xid from pg_stat_activity where state = 'idle in transaction' and datname = current_database()",
        )
        expect(rows).toEqual([{ backend_xid: null }])
      }

      const file = path.join(files.path, 'export.jsonl')
      await pipeline(exporting.stdout, createWriteStream(file))
      expect((await closed)[0]).toBe(0)
      const { header, rows } = await readExport(file)
      expect(rows.filter((row) => row.includes(' the export"'))).toEqual([
        expect.stringContaining('before the export'),
      ])
      const counted = header.tables.reduce((sum, table) => sum + table.rows, 0)
      expect(rows.length).toBe(counted - 1)
      expect(await server.stop()).toBe(0)
    })
  },
)
