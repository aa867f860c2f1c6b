import { contract } from '@sotto/contract'
import { createKey } from '../identity/create-key.ts'
import { listKeys } from '../identity/list-keys.ts'
import { revokeKey } from '../identity/revoke-key.ts'
import { mutation, query, router } from './trpc.ts'

const { keys } = contract

export const keysRouter = router({
  create: mutation(keys.create, createKey),
  list: query(keys.list, listKeys),
  revoke: mutation(keys.revoke, revokeKey),
})
