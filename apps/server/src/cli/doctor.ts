import { examine } from '../doctor/examine.ts'
import type { Finding } from '../doctor/finding.ts'
import { readConfig } from '../settings/config.ts'
import { CommandError } from './command-error.ts'
import type { Io } from './io.ts'

const STATUS_WIDTH = 'warning'.length
const CHECK_WIDTH = 'write-ahead log'.length

/** `sotto doctor`: prints a line per check as it finishes, or all of them as JSON with `--json`. */
export async function doctor(io: Io, options: { json: boolean }): Promise<void> {
  const findings: Finding[] = []
  for await (const finding of examine(
    () => readConfig(io.env),
    () => new Date(),
  )) {
    findings.push(finding)
    if (!options.json) io.stdout.write(describe(finding))
  }
  if (options.json) io.stdout.write(`${JSON.stringify({ checks: findings }, undefined, 2)}\n`)
  const failures = findings.filter(({ status }) => status === 'failed')
  if (failures.length === 0) return
  throw new CommandError(`failed: ${failures.map(({ check }) => check).join(', ')}`)
}

function describe({ status, check, detail, todo }: Finding): string {
  const line = `${status.padEnd(STATUS_WIDTH)}  ${check.padEnd(CHECK_WIDTH)}  ${detail}\n`
  return todo === undefined ? line : `${line}${' '.repeat(STATUS_WIDTH + CHECK_WIDTH + 4)}→ ${todo}\n`
}
