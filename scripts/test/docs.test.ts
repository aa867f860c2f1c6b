import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { startSotto } from '@sotto/testing/internal'
import { beforeAll, describe, expect, test } from 'vitest'
import { httpDocs } from '../http-docs/page.ts'
import { asDocumented } from './support/answers.ts'
import { type Block, blocksOf } from './support/markdown.ts'
import { checkTypes, type Result, runBlocks } from './support/session.ts'

const root = path.join(import.meta.dirname, '../..')
const files = ['README.md', ...globSync('docs/*.md', { cwd: root }).sort()]

/** The address and the service key used in the docs. */
const DOCUMENTED_URL = 'http://127.0.0.1:1337'
const SERVICE_KEY = 'sk_try_sotto'
/** The secret with which docs/authentication.md signs tokens. */
const JWT_SECRET = 'a-secret-of-32-bytes-or-more-to-try'

/**
 * Commands that start servers or run for long are in `console` blocks, which are not run. Each is listed here with a
 * file that tests the same, or else with a file it needs.
 */
const shownOnly = new Map([
  // These three start apps/server/src/main.ts with these settings. npx and pnpm are tested by .ci/run.
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
  // Requires a container engine: pnpm e2e:containers.
  ['docker compose -f docker/compose.yaml up', 'scripts/e2e-containers.ts'],
])

/** The compiler reads all packages while other tests run. */
const COMPILER_TIMEOUT_MS = 180_000

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8')
}

/**
 * `sh` and `ts` are run, and `json` is a response. `console`, `mermaid` and blocks without a language are not checked.
 */
function isRun({ language }: Block): boolean {
  return language === 'sh' || language === 'ts'
}

/** `Returns \`201\`, or \`200\` …` after a sample. Without it, any success status is fine. */
function documentedStatuses({ textAfter }: Block): number[] {
  const [, status, other] = /^Returns `(\d{3})`(?:, or `(\d{3})`)?/.exec(textAfter) ?? []
  return [status, other].filter((text) => text !== undefined).map(Number)
}

test('docs/http.md is up to date with the contract and its template (run `pnpm docs:write`)', () => {
  expect(read('docs/http.md')).toBe(httpDocs())
})

test('`pnpm start` starts the server that the commands run against', () => {
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
    await using server = await startSotto({
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

  test('has only blocks in known languages, and lists its console blocks', () => {
    const unknown = blocks.filter(
      ({ language }) => !['sh', 'ts', 'json', 'console', 'mermaid', ''].includes(language),
    )
    expect(unknown).toEqual([])
    for (const { language, code } of blocks) {
      if (language !== 'console') continue
      const file = shownOnly.get(code.trim())
      if (!file) throw new Error(`shownOnly in docs.test.ts must list the file that tests this: ${code}`)
      expect(existsSync(path.join(root, file)), file).toBe(true)
    }
  })

  if (runnable.length === 0) return

  test('has samples that run from top to bottom', () => {
    const last = results.findLastIndex((result) => result !== undefined)
    expect(failure, `line ${runnable[last]?.line}: ${results[last]?.output}`).toBeUndefined()
  })

  // Ids are consistent within a document: the same documented id always maps to the same real id.
  const ids = new Map<string, string>()

  test.each(runnable.map((block, index) => ({ ...block, index })))(
    'has the documented response for line $line',
    (block) => {
      const result = results[block.index]
      if (!result) throw new Error('an earlier block failed')
      const [status, ...earlier] = result.statuses.toReversed()
      for (const other of earlier) expect(other, result.output).toSatisfy(isSuccess)
      const documented = documentedStatuses(block)
      if (documented.length > 0) expect(documented, result.output).toContain(status)
      else if (status !== undefined) expect(status, result.output).toSatisfy(isSuccess)

      const next = blocks[blocks.findIndex(({ line }) => line === block.line) + 1]
      if (block.language !== 'sh' || next?.language !== 'json') return
      const wanted: unknown = JSON.parse(next.code)
      const response: unknown = JSON.parse(result.output.trim().split('\n').at(-1) ?? '')
      expect(asDocumented(response, wanted, ids)).toEqual(wanted)
    },
  )
})

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}
