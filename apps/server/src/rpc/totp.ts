import { contract } from '@sotto/contract'
import { confirmTotp } from '../identity/confirm-totp.ts'
import { disableTotp } from '../identity/disable-totp.ts'
import { removeTotp } from '../identity/remove-totp.ts'
import { startTotp } from '../identity/start-totp.ts'
import { mutation, router } from './trpc.ts'

const { totp } = contract

export const totpRouter = router({
  start: mutation(totp.start, startTotp),
  confirm: mutation(totp.confirm, confirmTotp),
  disable: mutation(totp.disable, disableTotp),
  remove: mutation(totp.remove, removeTotp),
})
