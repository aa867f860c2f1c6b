import { contract } from '@sotto/contract'
import { listSettings } from '../settings/list-settings.ts'
import { query, router } from './trpc.ts'

const { settings } = contract

export const settingsRouter = router({
  list: query(settings.list, listSettings),
})
