import { contract } from '@sotto/contract'
import { createSession, endSession } from '../identity/sessions.ts'
import { mutation, router } from './trpc.ts'

const { sessions } = contract

export const sessionsRouter = router({
  create: mutation(sessions.create, createSession),
  end: mutation(sessions.end, endSession),
})
