import { contract } from '@sotto/contract'
import { getAccount, getMe, setDisabled, setRole } from '../identity/accounts.ts'
import { createUser } from '../identity/create-user.ts'
import { getCorrespondents, getUser, listUsers } from '../identity/read-users.ts'
import { updateUser } from '../identity/update-user.ts'
import { eraseUser } from '../privacy/erase-user.ts'
import { exportUser } from '../privacy/export-user.ts'
import { getPresence } from '../realtime/get-presence.ts'
import { mutation, query, router } from './trpc.ts'

const { users } = contract

export const usersRouter = router({
  create: mutation(users.create, createUser),
  list: query(users.list, listUsers),
  get: query(users.get, getUser),
  update: mutation(users.update, updateUser),
  correspondents: query(users.correspondents, getCorrespondents),
  presence: query(users.presence, getPresence),
  me: query(users.me, getMe),
  account: query(users.account, getAccount),
  setRole: mutation(users.setRole, setRole),
  setDisabled: mutation(users.setDisabled, setDisabled),
  export: query(users.export, exportUser),
  erase: mutation(users.erase, eraseUser),
})
