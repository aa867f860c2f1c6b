import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'

const squawk = createRequire(import.meta.url).resolve('squawk-cli/js/bin/squawk')

/** The oldest PostgreSQL that is supported. */
const POSTGRES = '15.0'

/** Rules of squawk's that say nothing about a table in use, or that what runs the migrations sees to. */
const NOT_OURS = [
  'require-lock-timeout',
  'require-statement-timeout',
  'prefer-bigint-over-int',
  'prefer-bigint-over-smallint',
  'prefer-identity',
  'prefer-robust-stmts',
  'prefer-timestamptz',
]

/** What older servers use and would miss: for migrations that say from which server on they hold. */
const TAKES_AWAY = ['ban-drop-column', 'ban-drop-table', 'renaming-column', 'renaming-table']

interface Judged {
  /** PostgreSQL's SQL, in order. */
  statements: readonly string[]
  inTransaction?: boolean | undefined
  servesFrom?: string | undefined
}

/** What of a migration would stop those who use its tables, or servers of the release before: the rules' names. */
export async function problemsOf({
  statements,
  inTransaction = true,
  servesFrom,
}: Judged): Promise<string[]> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-squawk-'))
  try {
    const file = path.join(directory, 'migration.sql')
    await writeFile(file, statements.map((statement) => `${statement};\n`).join(''))
    const excluded = servesFrom === undefined ? NOT_OURS : [...NOT_OURS, ...TAKES_AWAY]
    const report = await run([
      ...excluded.map((rule) => `--exclude=${rule}`),
      `--pg-version=${POSTGRES}`,
      ...(inTransaction ? ['--assume-in-transaction'] : []),
      '--reporter=json',
      file,
    ])
    // The fields of its report that are read, in the version that is pinned.
    return (JSON.parse(report) as { rule_name: string }[]).map((problem) => problem.rule_name)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [squawk, ...args], (error, stdout, stderr) => {
      // It ends with 1 when it has found something.
      if (stdout.startsWith('[')) resolve(stdout)
      else reject(new Error(`squawk did not report: ${stderr}`, { cause: error }))
    })
  })
}
