import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { databaseFactories } from './databases.ts'
import { serverMain } from './server-process.ts'
import { formatInteger, printTable } from './table.ts'

const MEGABYTE = 1_000_000
/** The interval for sampling the memory of a process, in milliseconds. */
const SAMPLE_MS = 50

/** Measures the duration and memory of an export and an import. */
export async function measureTransfer(kind: keyof typeof databaseFactories, messages: number): Promise<void> {
  await using source = await databaseFactories[kind]()
  await using target = await databaseFactories[kind]()
  const directory = await mkdtemp(path.join(tmpdir(), 'sotto-transfer-'))
  const file = path.join(directory, 'sotto.jsonl')
  try {
    const users = String(Math.max(2, messages / 100))
    await run(['seed', '--users', users, '--messages', String(messages)], source.url)
    const exported = await run(['export', '--output', file], source.url)
    const imported = await run(['import', file], target.url)
    const { size } = await stat(file)
    printTable(
      [
        `${source.name}: ${formatInteger(messages)} messages, ${formatInteger(size / MEGABYTE)} MB file`,
        'seconds',
        'messages per second',
        'peak memory MB',
      ],
      Object.entries({ export: exported, import: imported }).map(([name, { seconds, peak }]) => [
        name,
        seconds.toFixed(1),
        formatInteger(messages / seconds),
        formatInteger(peak / MEGABYTE),
      ]),
    )
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Runs a `sotto` command. */
async function run(args: readonly string[], url: string): Promise<{ seconds: number; peak: number }> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [serverMain, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DATABASE_URL: url },
  })
  const exited = once(child, 'exit')
  let peak = 0
  while (child.exitCode === null && child.signalCode === null) {
    peak = Math.max(peak, await peakOf(child.pid))
    await Promise.race([exited, wait(SAMPLE_MS)])
  }
  if (child.exitCode !== 0) throw new Error(`sotto ${args[0]} exited with ${child.exitCode}`)
  return { seconds: (performance.now() - startedAt) / 1_000, peak }
}

/** The peak memory of a process so far, in bytes. The kernel tracks it, so no peak between samples is missed. */
async function peakOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const [, kibibytes = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? []
  return Number(kibibytes) * 1_024
}
