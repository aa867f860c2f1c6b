import { afterAll, expect } from 'vitest'
import { watchLogs } from './confidential-logs.ts'

/** Runs in each test file: checks that its servers have not logged confidential data. */
const watch = watchLogs()

afterAll(async () => {
  const leaks = await watch.leaks()
  watch[Symbol.dispose]()
  expect(leaks, 'confidential data in the log').toEqual([])
})
