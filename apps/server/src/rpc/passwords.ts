import { contract } from '@sotto/contract'
import { issuePasswordReset } from '../identity/issue-password-reset.ts'
import { resetPassword } from '../identity/reset-password.ts'
import { setPassword } from '../identity/set-password.ts'
import { mutation, router } from './trpc.ts'

const { passwords } = contract

export const passwordsRouter = router({
  set: mutation(passwords.set, setPassword),
  issueReset: mutation(passwords.issueReset, issuePasswordReset),
  reset: mutation(passwords.reset, resetPassword),
})
