import { afterAll, expect } from 'vitest'
import { watchLogs } from './confidential-logs.ts'

/** In each test file: nothing that its servers have logged was confidential. */
const watch = watchLogs()

afterAll(async () => {
  const leaks = await watch.leaks()
  watch[Symbol.dispose]()
  expect(leaks, 'what no log may hold').toEqual([])
})
