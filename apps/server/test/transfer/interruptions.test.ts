import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { findImport, openDatabase } from '@sotto/db'
import {
  createEmptyDatabase,
  createTemporaryDirectory,
  queryPostgres,
  sotto,
  spawnSotto,
} from '@sotto/testing/internal'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { readExport } from './support/export-file.ts'

// Every test starts many processes.
vi.setConfig({ testTimeout: 90_000 })

describe.each(['sqlite', 'postgres'] as const)('a killed import on %s', (using) => {
  test('can be resumed, and its database cannot be used until it is complete', async () => {
    const files = await createTemporaryDirectory()
    onTestFinished(() => files[Symbol.asyncDispose]())
    const file = path.join(files.path, 'seed.jsonl')
    const seeded = { DATABASE_URL: `file:${path.join(files.path, 'seed.db')}` }
    expect((await sotto(['seed', '--users', '20', '--messages', '3000'], seeded)).code).toBe(0)
    expect((await sotto(['export', '--output', file], seeded)).code).toBe(0)

    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, PORT: '0' }
    const killed = spawnSotto(['import', '-'], settings)
    const ended = once(killed, 'close')
    const bytes = await readFile(file)
    // The process ends before it has read all of it.
    killed.stdin.on('error', () => {})
    killed.stdin.write(bytes.subarray(0, 0.75 * bytes.length))
    const lines = await waitForLines(using, database.url)
    killed.kill('SIGKILL')
    await ended

    for (const args of [['start'], ['user', 'create', 'zoe'], ['export', '--output', '-']]) {
      expect(await sotto(args, settings), args.join(' ')).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(
          /^sotto: the database holds part of an import: finish it with sotto import .+\n$/,
        ),
      })
    }
    const another = path.join(files.path, 'another.jsonl')
    expect((await sotto(['export', '--output', another], seeded)).code).toBe(0)
    expect((await sotto(['import', another], settings)).stderr).toMatch(/contains part of another export/)

    const finished = await sotto(['import', file], settings)
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    const [, before = ''] = /([\d,]+) of them by an earlier run/.exec(finished.stdout) ?? []
    // All lines that were already imported, except the header and the checksums.
    expect(Number(before.replaceAll(',', ''))).toBeGreaterThan(lines * 0.99)
    const copy = path.join(files.path, 'copy.jsonl')
    expect((await sotto(['export', '--output', copy], settings)).code).toBe(0)
    expect((await readExport(copy)).rows).toEqual((await readExport(file)).rows)
  }, 60_000)
})

/** Waits until lines have been imported. Returns their number. */
async function waitForLines(using: 'sqlite' | 'postgres', url: string): Promise<number> {
  for (;;) {
    await wait(50)
    // Fails while the database is still being created.
    const lines = await (using === 'sqlite' ? linesInFile(url) : linesInPostgres(url)).catch(() => 0)
    if (lines > 0) return lines
  }
}

async function linesInFile(url: string): Promise<number> {
  await using database = await openDatabase({ url })
  return (await findImport(database.db))?.lines ?? 0
}

/** Does not use `openDatabase`, because its connection would look like a server. */
async function linesInPostgres(url: string): Promise<number> {
  const { rows } = await queryPostgres(url, 'select lines from import_progress')
  return Number(rows[0]?.lines ?? 0)
}
