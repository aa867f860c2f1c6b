import { contract } from '@sotto/contract'
import { getServerStats } from '../statistics/get-server-stats.ts'
import { getStats } from '../statistics/get-stats.ts'
import { query, router } from './trpc.ts'

const { stats } = contract

export const statsRouter = router({
  get: query(stats.get, getStats),
  server: query(stats.server, getServerStats),
})
