import { contract } from '@sotto/contract'
import { listAudit } from '../audit/list-audit.ts'
import { query, router } from './trpc.ts'

const { audit } = contract

export const auditRouter = router({
  list: query(audit.list, listAudit),
})
