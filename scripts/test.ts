import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

// `pnpm test`: runs every check, all at the same time, and then every test, each with the command that you would run by
// hand. If one fails, the others still run. The last line is `N passed, N failed`, and the exit code is 1 if anything failed. With arguments
// (`pnpm test packages/db`), passes them to vitest and skips the checks.

interface Count {
  passed: number
  failed: number
}

const checks: [name: string, command: string, ...args: string[]][] = [
  ['format and lint', 'biome', 'check', '--error-on-warnings', '.'],
  ['import direction', 'node', 'scripts/check-imports.ts'],
  ['unused code', 'knip', '--no-config-hints', '--no-progress'],
  ['types', 'turbo', 'run', 'typecheck', '--output-logs=errors-only', '--continue', '--concurrency=2'],
]

const SLOWEST = 20

const root = path.join(import.meta.dirname, '..')
const testArguments = process.argv.slice(2).filter((argument) => argument !== '--')
const total: Count = { passed: 0, failed: 0 }
const running = new Set<ChildProcess>()
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true
    for (const child of running) child.kill(signal)
  })
}

if (testArguments.length === 0) {
  const results = checks.map(([, command, ...args]) => check(command, args))
  for (const [index, [name]] of checks.entries()) {
    const { output, ...count } = (await results[index]) ?? { output: '', passed: 0, failed: 1 }
    process.stdout.write(output)
    add(name, count)
  }
}
add('tests', await runTests(testArguments))
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed > 0 ? 1 : 0

function add(name: string, { passed, failed }: Count): void {
  total.passed += passed
  total.failed += failed
  console.log(`${failed > 0 ? 'FAILED' : 'ok'}: ${name}`)
}

/** Holds the output back, because checks run at the same time. */
async function check(command: string, args: string[]): Promise<Count & { output: string }> {
  const { exitCode, output } = await run(command, args, 'pipe')
  return { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, output }
}

async function runTests(args: string[]): Promise<Count> {
  const directory = mkdtempSync(path.join(tmpdir(), 'sotto-test-'))
  const report = path.join(directory, 'report.json')
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const { exitCode } = await run('vitest', ['run', ...reporters, ...args], 'inherit')
    const results = readReport(report)
    if (results) printSlowest(results)
    const count = countTests(results)
    // For example an error outside any test, or an interrupted run.
    if (exitCode !== 0 && count.failed === 0) count.failed = 1
    return count
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Report {
  numPassedTests: number
  testResults: {
    name: string
    status: string
    startTime: number
    endTime: number
    assertionResults: { fullName: string; status: string }[]
  }[]
}

function readReport(file: string): Report | undefined {
  try {
    // Vitest's report, in the format of the pinned version.
    return JSON.parse(readFileSync(file, 'utf8')) as Report
  } catch {
    console.error('vitest wrote no report')
    return undefined
  }
}

function printSlowest({ testResults }: Report): void {
  const files = testResults.map(({ name, startTime, endTime }) => ({ name, ms: endTime - startTime }))
  const slowest = files.toSorted((a, b) => b.ms - a.ms).slice(0, SLOWEST)
  console.log('\nSlowest files:')
  for (const { name, ms } of slowest) {
    console.log(`${(ms / 1_000).toFixed(1).padStart(8)} s  ${path.relative(root, name)}`)
  }
}

function countTests(report: Report | undefined): Count {
  if (!report) return { passed: 0, failed: 1 }
  let failed = 0
  for (const { name, status, assertionResults } of report.testResults) {
    const failures = assertionResults.filter((test) => test.status !== 'passed')
    failed += failures.length
    for (const test of failures) {
      if (test.status === 'failed') continue
      console.error(`${path.relative(root, name)}: "${test.fullName}" is ${test.status}; every test must run`)
    }
    // A file that failed to load, or whose hooks failed, has no failed test.
    if (status === 'failed' && failures.length === 0) failed += 1
  }
  return { passed: report.numPassedTests, failed }
}

async function run(
  command: string,
  args: string[],
  stdio: 'inherit' | 'pipe',
): Promise<{ exitCode: number; output: string }> {
  if (interrupted) return { exitCode: 1, output: '' }
  const title = `\n> ${[command, ...args].join(' ')}\n`
  if (stdio === 'inherit') process.stdout.write(title)
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${path.join(root, 'node_modules/.bin')}${path.delimiter}${process.env.PATH}`,
    TURBO_TELEMETRY_DISABLED: '1',
    // Each test file runs in its own process and loads the same packages.
    NODE_COMPILE_CACHE: path.join(root, 'node_modules/.cache/node'),
  }
  if (!process.stdout.isTTY) {
    env.NO_COLOR = '1'
    delete env.FORCE_COLOR
  }
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', stdio, stdio], env })
  running.add(child)
  let output = title
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const { promise, resolve } = Promise.withResolvers<number>()
  child.once('error', (error) => {
    console.error(error.message)
    resolve(1)
  })
  child.once('close', (code) => resolve(code ?? 1))
  const exitCode = await promise
  running.delete(child)
  return { exitCode, output }
}
