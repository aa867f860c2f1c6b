import { writeSync } from 'node:fs'
import { watchLogs } from './confidential-logs.ts'

/** For `node --import`: makes a child process fail if its server has logged confidential data. */
const LEAKED = 86
const watch = watchLogs()

process.once('beforeExit', async () => {
  const leaks = await watch.leaks()
  if (leaks.length === 0) return
  writeSync(process.stderr.fd, `confidential data in the log:\n${leaks.join('\n')}\n`)
  process.exitCode = LEAKED
})
