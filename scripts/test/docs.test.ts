import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { spawnServer } from '@sotto/testing/internal'
import { beforeAll, describe, expect, test } from 'vitest'
import { httpDocs } from '../http-docs/page.ts'
import { asDocumented } from './support/answers.ts'
import { type Block, blocksOf } from './support/markdown.ts'
import { checkTypes, type Result, runBlocks } from './support/session.ts'

const root = path.join(import.meta.dirname, '../..')
const files = ['README.md', ...globSync('docs/*.md', { cwd: root }).sort()]

/** Where the docs say that the server is, and the key that docs/http.md gives it. */
const DOCUMENTED_URL = 'http://127.0.0.1:1337'
const SERVICE_KEY = 'sk_try_sotto'
/** What docs/authentication.md has it sign tokens with. */
const JWT_SECRET = 'a-secret-of-32-bytes-or-more-to-try'

/**
 * What starts servers or runs for long stands in `console` blocks. Each is named here with the file that does the
 * same, or, where nothing does, the file that it needs.
 */
const shownOnly = new Map([
  // All three start apps/server/src/main.ts, with these settings; npx and pnpm are .ci/run's to try.
  ['npx -y pnpm@12 start', 'packages/testing/internal/sotto.ts'],
  [
    `DATABASE_URL=file::memory: SOTTO_SERVICE_KEY=${SERVICE_KEY} npx -y pnpm@12 start`,
    'packages/testing/internal/sotto.ts',
  ],
  [
    `DATABASE_URL=file::memory: SOTTO_SERVICE_KEY=${SERVICE_KEY} SOTTO_JWT_SECRET=${JWT_SECRET} npx -y pnpm@12 start`,
    'packages/testing/internal/sotto.ts',
  ],
  [
    'OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318 npx -y pnpm@12 start',
    'apps/server/test/telemetry/telemetry.test.ts',
  ],
  [
    'DATABASE_URL=postgres://sotto:secret@db:5432/sotto HOST=0.0.0.0 npx -y pnpm@12 start',
    'packages/testing/test/test-server.test.ts',
  ],
  ['npx -y pnpm@12 test', '.ci/run'],
  ['npx -y pnpm@12 sotto doctor', 'apps/server/test/cli/doctor.test.ts'],
  ['npx -y pnpm@12 sotto backup backups/sotto-2026-01-31.db', 'apps/server/test/transfer/backup.test.ts'],
  [
    'rm -f data/sotto.db-wal data/sotto.db-shm\ncp backups/sotto-2026-01-31.db data/sotto.db',
    'apps/server/test/transfer/backup.test.ts',
  ],
  [
    'DATABASE_URL=file:./data/sotto.db npx -y pnpm@12 sotto export --output sotto.jsonl.gz\nDATABASE_URL=postgres://sotto:secret@db:5432/sotto npx -y pnpm@12 sotto import sotto.jsonl.gz',
    'apps/server/test/transfer/round-trip.test.ts',
  ],
  // Needs a container engine, which the tests do without: pnpm e2e:containers.
  ['docker compose -f docker/compose.yaml up', 'scripts/e2e-containers.ts'],
])

/** The compiler reads all packages, and shares the machine with the other tests. */
const COMPILER_TIMEOUT_MS = 180_000

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8')
}

/** `sh` and `ts` are run, `json` is a response, and the rest is only read: `console`, `mermaid` and no language. */
function isRun({ language }: Block): boolean {
  return language === 'sh' || language === 'ts'
}

/** `Returns \`201\`, or \`200\` …` after a sample; without it, any success will do. */
function documentedStatuses({ textAfter }: Block): number[] {
  const [, status, other] = /^Returns `(\d{3})`(?:, or `(\d{3})`)?/.exec(textAfter) ?? []
  return [status, other].filter((text) => text !== undefined).map(Number)
}

test('docs/http.md is what the contract and its template make: `pnpm docs:write` writes it', () => {
  expect(read('docs/http.md')).toBe(httpDocs())
})

test('`pnpm start` is the server that the commands are run against', () => {
  expect(JSON.parse(read('package.json'))).toMatchObject({
    scripts: { start: expect.stringMatching(/&& exec node apps\/server\/src\/main.ts start$/) },
  })
})

test(
  'TypeScript in the docs compiles',
  async () => {
    const sources = files.flatMap((file) =>
      blocksOf(read(file))
        .filter(({ language }) => language === 'ts')
        .map(({ line, code }) => [`${file.replaceAll('/', '-')}-line-${line}.ts`, code]),
    )
    expect(sources).not.toEqual([])
    expect(await checkTypes(Object.fromEntries(sources))).toEqual([])
  },
  COMPILER_TIMEOUT_MS,
)

describe.each(files)('%s', (file) => {
  const blocks = blocksOf(read(file))
  const runnable = blocks.filter(isRun)
  let results: (Result | undefined)[] = []
  let failure: string | undefined

  beforeAll(async () => {
    if (runnable.length === 0) return
    await using server = await spawnServer({
      SOTTO_SERVICE_KEY: SERVICE_KEY,
      SOTTO_JWT_SECRET: JWT_SECRET,
      SOTTO_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
    })
    const here = runnable.map((block) => ({
      ...block,
      code: block.code.replaceAll(DOCUMENTED_URL, server.url),
    }))
    ;({ results, failure } = await runBlocks(here, {
      SOTTO_SERVICE_KEY: SERVICE_KEY,
      SETUP: /welcome#(\S+)/.exec(server.output.stdout)?.[1] ?? '',
    }))
  }, 60_000)

  test('has only blocks that are run, named as shown only, or read', () => {
    const unknown = blocks.filter(
      ({ language }) => !['sh', 'ts', 'json', 'console', 'mermaid', ''].includes(language),
    )
    expect(unknown).toEqual([])
    for (const { language, code } of blocks) {
      if (language !== 'console') continue
      const place = shownOnly.get(code.trim())
      if (!place) throw new Error(`shownOnly in docs.test.ts has to say what tries this: ${code}`)
      expect(existsSync(path.join(root, place)), place).toBe(true)
    }
  })

  if (runnable.length === 0) return

  test('runs from top to bottom', () => {
    const last = results.findLastIndex((result) => result !== undefined)
    expect(failure, `line ${runnable[last]?.line}: ${results[last]?.output}`).toBeUndefined()
  })

  // One document is one world: what an id stands for in one answer, it stands for in all.
  const ids = new Map<string, string>()

  test.each(runnable.map((block, index) => ({ ...block, index })))(
    'line $line answers as it says',
    (block) => {
      const result = results[block.index]
      if (!result) throw new Error('a block before this one failed')
      const [status, ...earlier] = result.statuses.toReversed()
      for (const each of earlier) expect(each, result.output).toSatisfy(isSuccess)
      const documented = documentedStatuses(block)
      if (documented.length > 0) expect(documented, result.output).toContain(status)
      else if (status !== undefined) expect(status, result.output).toSatisfy(isSuccess)

      const next = blocks[blocks.findIndex(({ line }) => line === block.line) + 1]
      if (block.language !== 'sh' || next?.language !== 'json') return
      const wanted: unknown = JSON.parse(next.code)
      const answer: unknown = JSON.parse(result.output.trim().split('\n').at(-1) ?? '')
      expect(asDocumented(answer, wanted, ids)).toEqual(wanted)
    },
  )
})

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}
