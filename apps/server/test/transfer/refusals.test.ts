import { createHash } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { createEmptyDatabase, createTemporaryDirectory, sotto, spawnServer } from '@sotto/testing/internal'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

// Each starts a good many processes.
vi.setConfig({ testTimeout: 90_000 })

/** A small world of sample data, exported. */
async function exportSeed(): Promise<{ directory: string; file: string; text: string }> {
  const made = await createTemporaryDirectory()
  onTestFinished(() => made[Symbol.asyncDispose]())
  const settings = { DATABASE_URL: `file:${path.join(made.path, 'seed.db')}` }
  expect((await sotto(['seed', '--users', '20', '--messages', '2000'], settings)).code).toBe(0)
  const file = path.join(made.path, 'seed.jsonl')
  expect((await sotto(['export', '--output', file], settings)).code).toBe(0)
  return { directory: made.path, file, text: await readFile(file, 'utf8') }
}

describe('an export', () => {
  test('has its name when it is whole, takes nobody else’s, and is for its owner alone', async () => {
    const { file } = await exportSeed()
    const settings = { DATABASE_URL: `file:${path.join(path.dirname(file), 'seed.db')}` }
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await sotto(['export', '--output', file], settings)).toMatchObject({
      code: 1,
      stderr: `sotto: ${file} already exists: choose another name or move it\n`,
    })
    expect((await sotto(['export', '--output', '/nowhere/file'], settings)).stderr).toMatch(
      /^sotto: cannot write \/nowhere\/file: .+\n$/,
    )
  })
})

describe('an import refuses', () => {
  test('what is damaged, and says where', async () => {
    const { directory, text } = await exportSeed()
    const lines = text.split('\n')
    const at = 2_500
    // JSON says the same with a space.
    const changed = lines.with(at, (lines[at] ?? '').replace('{', '{ '))
    const cases = {
      'one character': [changed.join('\n'), /^sotto: lines 2002 to 4002 are damaged: /],
      'a line that is missing': [
        lines.toSpliced(at, 1).join('\n'),
        /^sotto: lines 2002 to 4001 are damaged: /,
      ],
      'half a line': [
        lines.with(at, '{"type":"row"').join('\n'),
        `sotto: line ${at + 1} is damaged: not JSON\n`,
      ],
      'a cut at a line': [`${lines.slice(0, 4_002).join('\n')}\n`, /is truncated after line 4002/],
      'a cut in a line': [text.slice(0, -20), /is damaged: not JSON/],
      'something behind it': [`${text}${lines[0]}\n`, /follows the end of the export/],
      'another file': ['{"name":"sotto"}\n', 'sotto: not a file of sotto export\n'],
      'an empty file': ['', /is truncated after line 0/],
    } as const
    for (const [what, [content, said]] of Object.entries(cases)) {
      const file = path.join(directory, 'damaged.jsonl')
      await writeFile(file, content)
      await using database = await createEmptyDatabase('sqlite')
      const { code, stdout, stderr } = await sotto(['import', file], { DATABASE_URL: database.url })
      expect({ code, stdout }, what).toEqual({ code: 1, stdout: '' })
      if (typeof said === 'string') expect(stderr, what).toBe(said)
      else expect(stderr, what).toMatch(said)
    }
  })

  test('a packed file that was cut short, a file that is not there', async () => {
    const { directory, text } = await exportSeed()
    const file = path.join(directory, 'cut.jsonl.gz')
    const packed = gzipSync(text)
    await writeFile(file, packed.subarray(0, packed.length - 100))
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

  test.each(['sqlite', 'postgres'] as const)(
    '%s that is not empty, or that a server runs on',
    async (using) => {
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
    },
  )
})
