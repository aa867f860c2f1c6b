import { contract } from '@sotto/contract'
import { createUser } from '../identity/create-user.ts'
import { getCorrespondents, getUser, listUsers } from '../identity/read-users.ts'
import { updateUser } from '../identity/update-user.ts'
import { getPresence } from '../realtime/get-presence.ts'
import { procedure, router } from './trpc.ts'

const { users } = contract

export const usersRouter = router({
  create: procedure(users.create).mutation(({ ctx, input }) => createUser(ctx, input)),
  list: procedure(users.list).query(({ ctx, input }) => listUsers(ctx, input)),
  get: procedure(users.get).query(({ ctx, input }) => getUser(ctx, input)),
  update: procedure(users.update).mutation(({ ctx, input }) => updateUser(ctx, input)),
  correspondents: procedure(users.correspondents).query(({ ctx, input }) => getCorrespondents(ctx, input)),
  presence: procedure(users.presence).query(({ ctx, input }) => getPresence(ctx, input)),
})
