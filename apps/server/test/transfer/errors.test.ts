import { createHash } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { createEmptyDatabase, createTemporaryDirectory, sotto, spawnServer } from '@sotto/testing/internal'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

// Every test starts many processes.
vi.setConfig({ testTimeout: 90_000 })

/** Exports a small set of sample data. */
async function exportSeed(): Promise<{ directory: string; file: string; text: string }> {
  const directory = await createTemporaryDirectory()
  onTestFinished(() => directory[Symbol.asyncDispose]())
  const settings = { DATABASE_URL: `file:${path.join(directory.path, 'seed.db')}` }
  expect((await sotto(['seed', '--users', '20', '--messages', '2000'], settings)).code).toBe(0)
  const file = path.join(directory.path, 'seed.jsonl')
  expect((await sotto(['export', '--output', file], settings)).code).toBe(0)
  return { directory: directory.path, file, text: await readFile(file, 'utf8') }
}

describe('an export', () => {
  test('is only readable by its owner, and never overwrites a file', async () => {
    const { file } = await exportSeed()
    const settings = { DATABASE_URL: `file:${path.join(path.dirname(file), 'seed.db')}` }
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await sotto(['export', '--output', file], settings)).toMatchObject({
      code: 1,
      stderr: `sotto: ${file} already exists: choose another name or move it\n`,
    })
    expect((await sotto(['export', '--output', '/dev/null/file'], settings)).stderr).toMatch(
      /^sotto: cannot write \/dev\/null\/file: .+\n$/,
    )
  })
})

describe('an import rejects', () => {
  test('a damaged file, and reports where', async () => {
    const { directory, text } = await exportSeed()
    const lines = text.split('\n')
    const at = 2_500
    // A space changes the line but not its JSON.
    const changed = lines.with(at, (lines[at] ?? '').replace('{', '{ '))
    const cases = {
      'a changed character': [changed.join('\n'), /^sotto: lines 2002 to 4002 are damaged: /],
      'a missing line': [lines.toSpliced(at, 1).join('\n'), /^sotto: lines 2002 to 4001 are damaged: /],
      'half a line': [
        lines.with(at, '{"type":"row"').join('\n'),
        `sotto: line ${at + 1} is damaged: not JSON\n`,
      ],
      'a cut after a line': [`${lines.slice(0, 4_002).join('\n')}\n`, /is truncated after line 4002/],
      'a cut within a line': [text.slice(0, -20), /is damaged: not JSON/],
      'data after the end': [`${text}${lines[0]}\n`, /follows the end of the export/],
      'another file': ['{"name":"sotto"}\n', 'sotto: the file is not a Sotto export\n'],
      'an empty file': ['', /is truncated after line 0/],
    } as const
    for (const [name, [content, message]] of Object.entries(cases)) {
      const file = path.join(directory, 'damaged.jsonl')
      await writeFile(file, content)
      await using database = await createEmptyDatabase('sqlite')
      const { code, stdout, stderr } = await sotto(['import', file], { DATABASE_URL: database.url })
      expect({ code, stdout }, name).toEqual({ code: 1, stdout: '' })
      if (typeof message === 'string') expect(stderr, name).toBe(message)
      else expect(stderr, name).toMatch(message)
    }
  })

  test('a truncated gzip file and a missing file', async () => {
    const { directory, text } = await exportSeed()
    const file = path.join(directory, 'cut.jsonl.gz')
    const compressed = gzipSync(text)
    await writeFile(file, compressed.subarray(0, compressed.length - 100))
    await using database = await createEmptyDatabase('sqlite')
    const settings = { DATABASE_URL: database.url }
    expect((await sotto(['import', file], settings)).stderr).toMatch(
      /cannot decompress .+, it is truncated or damaged/,
    )
    await using another = await createEmptyDatabase('sqlite')
    expect(await sotto(['import', '/nowhere'], { DATABASE_URL: another.url })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^sotto: cannot read \/nowhere: .+\n$/),
    })
  })

  test('an export of another schema', async () => {
    const { directory, text } = await exportSeed()
    const [first = ''] = text.split('\n')
    const file = path.join(directory, 'older.jsonl')
    const older = first
      .replace(/"schema":"[^"]+"/, '"schema":"20250101T000000-older"')
      .replace(/"version":"[^"]+"/, '"version":"0.0.1"')
    const sha256 = createHash('sha256').update(`${older}\n`).digest('hex')
    await writeFile(file, `${older}\n${JSON.stringify({ type: 'end', lines: 1, sha256 })}\n`)
    await using database = await createEmptyDatabase('sqlite')
    expect((await sotto(['import', file], { DATABASE_URL: database.url })).stderr).toMatch(
      /^sotto: the export was written by Sotto 0\.0\.1 with schema 20250101T000000-older, this version has \S+: import it with that version, then upgrade\n$/,
    )
  })

  test.each(['sqlite', 'postgres'] as const)('a %s database that is in use or not empty', async (using) => {
    const { file } = await exportSeed()
    await using database = await createEmptyDatabase(using)
    const settings = { DATABASE_URL: database.url, SOTTO_SERVICE_KEY: 'sk_of_a_test' }
    {
      await using server = await spawnServer(settings)
      await fetch(`${server.url}/v1/users`, { headers: { authorization: 'Bearer sk_of_a_test' } })
      expect((await sotto(['import', file], settings)).stderr).toMatch(
        /another server is running|a Sotto server or command is connected to the database/,
      )
      expect(await server.stop()).toBe(0)
    }
    expect((await sotto(['user', 'create', 'zoe'], settings)).code).toBe(0)
    expect(await sotto(['import', file], settings)).toMatchObject({
      code: 1,
      stderr: 'sotto: the database must be empty: it has rows in users\n',
    })
  })
})
