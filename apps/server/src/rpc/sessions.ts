import { contract } from '@sotto/contract'
import {
  createSession,
  endSession,
  endSessionsOf,
  listSessions,
  listSessionsOf,
  revokeSession,
} from '../identity/sessions.ts'
import { mutation, query, router } from './trpc.ts'

const { sessions } = contract

export const sessionsRouter = router({
  create: mutation(sessions.create, createSession),
  list: query(sessions.list, listSessions),
  end: mutation(sessions.end, endSession),
  revoke: mutation(sessions.revoke, revokeSession),
  listOf: query(sessions.listOf, listSessionsOf),
  endAllOf: mutation(sessions.endAllOf, endSessionsOf),
})
