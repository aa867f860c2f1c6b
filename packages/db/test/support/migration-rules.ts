import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'

const squawk = createRequire(import.meta.url).resolve('squawk-cli/js/bin/squawk')

/** The oldest supported PostgreSQL version. */
const POSTGRES = '15.0'

/** Squawk rules that do not concern tables in use, or that our migration runner already satisfies. */
const IGNORED = [
  'require-lock-timeout',
  'require-statement-timeout',
  'prefer-bigint-over-int',
  'prefer-bigint-over-smallint',
  'prefer-identity',
  'prefer-robust-stmts',
  'prefer-timestamptz',
]

/** Removals that would break older servers. Allowed in migrations with `servesFrom`. */
const REMOVALS = ['ban-drop-column', 'ban-drop-table', 'renaming-column', 'renaming-table']

interface CheckedMigration {
  /** The SQL statements for PostgreSQL, in order. */
  statements: readonly string[]
  inTransaction?: boolean | undefined
  servesFrom?: string | undefined
}

/**
 * Returns the names of the rules that a migration violates: it would block tables in use or break servers of the
 * previous release.
 */
export async function problemsOf({
  statements,
  inTransaction = true,
  servesFrom,
}: CheckedMigration): Promise<string[]> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-squawk-'))
  try {
    const file = path.join(directory, 'migration.sql')
    await writeFile(file, statements.map((statement) => `${statement};\n`).join(''))
    const excluded = servesFrom === undefined ? IGNORED : [...IGNORED, ...REMOVALS]
    const report = await run([
      ...excluded.map((rule) => `--exclude=${rule}`),
      `--pg-version=${POSTGRES}`,
      ...(inTransaction ? ['--assume-in-transaction'] : []),
      '--reporter=json',
      file,
    ])
    // The only field used from the report of the pinned version.
    return (JSON.parse(report) as { rule_name: string }[]).map((problem) => problem.rule_name)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [squawk, ...args], (error, stdout, stderr) => {
      // Squawk exits with 1 if it found violations.
      if (stdout.startsWith('[')) resolve(stdout)
      else reject(new Error(`squawk did not report: ${stderr}`, { cause: error }))
    })
  })
}
