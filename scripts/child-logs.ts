import { writeSync } from 'node:fs'
import { watchLogs } from './confidential-logs.ts'

/** For `node --import`: a server in a process of its own ends with a failure when it has logged what is confidential. */
const LEAKED = 86
const watch = watchLogs()

process.once('beforeExit', async () => {
  const leaks = await watch.leaks()
  if (leaks.length === 0) return
  writeSync(process.stderr.fd, `what no log may hold:\n${leaks.join('\n')}\n`)
  process.exitCode = LEAKED
})
