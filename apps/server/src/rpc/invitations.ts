import { contract } from '@sotto/contract'
import { createInvitation, listInvitations, revokeInvitation } from '../identity/invitations.ts'
import { mutation, query, router } from './trpc.ts'

const { invitations } = contract

export const invitationsRouter = router({
  create: mutation(invitations.create, createInvitation),
  list: query(invitations.list, listInvitations),
  revoke: mutation(invitations.revoke, revokeInvitation),
})
