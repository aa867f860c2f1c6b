import { contract } from '@sotto/contract'
import { createSession, endSession } from '../identity/sessions.ts'
import { procedure, router } from './trpc.ts'

const { sessions } = contract

export const sessionsRouter = router({
  create: procedure(sessions.create).mutation(({ ctx, input }) => createSession(ctx, input)),
  end: procedure(sessions.end).mutation(({ ctx }) => endSession(ctx)),
})
