import { contract } from '@sotto/contract'
import { createSession, endSession, listSessions, revokeSession } from '../identity/sessions.ts'
import { mutation, query, router } from './trpc.ts'

const { sessions } = contract

export const sessionsRouter = router({
  create: mutation(sessions.create, createSession),
  list: query(sessions.list, listSessions),
  end: mutation(sessions.end, endSession),
  revoke: mutation(sessions.revoke, revokeSession),
})
