import { type Executor, store } from '@sotto/db'
import type { App } from '../app/app.ts'
import { hashRecoveryCode } from './recovery-codes.ts'
import { totpStepOf } from './totp.ts'

/** Either a TOTP code or a recovery code. */
export interface SecondFactorProof {
  code?: string | undefined
  recoveryCode?: string | undefined
}

type Parts = Pick<App, 'secretBox' | 'now'>

/**
 * Verifies a TOTP or recovery code of a user. Each is accepted once, even if sent twice at the same time.
 *
 * @throws {SottoError} UNAVAILABLE if the server cannot decrypt the secret.
 */
export async function takeProof(
  trx: Executor,
  app: Parts,
  userId: string,
  { code, recoveryCode }: SecondFactorProof,
): Promise<boolean> {
  const factor = await store.secondFactors.find(trx, userId)
  if (!factor?.confirmed_at) return false
  if (recoveryCode !== undefined)
    return store.secondFactors.takeRecoveryCode(trx, userId, hashRecoveryCode(userId, recoveryCode))
  return code !== undefined && takeCode(trx, app, userId, factor.sealed_secret, code)
}

/** Verifies a TOTP code, also for a secret that is not confirmed yet. */
export async function takeCode(
  trx: Executor,
  { secretBox, now }: Parts,
  userId: string,
  sealedSecret: string,
  code: string,
): Promise<boolean> {
  const step = totpStepOf(secretBox.open(sealedSecret, userId), code, now())
  return step !== undefined && store.secondFactors.takeTotpStep(trx, userId, step)
}
