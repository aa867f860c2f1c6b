import { SottoError } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import type { Context } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { hashRecoveryCode } from './recovery-codes.ts'
import { latestTotpStep, totpStepOf } from './totp.ts'

/**
 * The number of wrong TOTP codes per user, from all addresses together, before codes are rejected until the period
 * ends. Guessing at this rate succeeds with a probability of about 1% in a year.
 */
const MAX_WRONG_CODES = 10
const PERIOD_MS = 24 * 60 * 60 * 1_000

/** When the user's codes are accepted again; null if they are accepted now. */
function codesBlockedUntil(
  factor: { wrong_codes: number; wrong_codes_at: Date | null },
  now: Date,
): Date | null {
  if (factor.wrong_codes < MAX_WRONG_CODES || !factor.wrong_codes_at) return null
  const until = new Date(factor.wrong_codes_at.getTime() + PERIOD_MS)
  return until > now && factor.wrong_codes_at.getTime() <= now.getTime() + PERIOD_MS ? until : null
}

/** Either a TOTP code or a recovery code. */
export interface SecondFactorProof {
  code?: string | undefined
  recoveryCode?: string | undefined
}

/**
 * Verifies a TOTP or recovery code of a user. Each is accepted once, even if sent twice at the same time.
 *
 * @returns false if it is wrong. The transaction must then be committed, because it counts the wrong code.
 * @throws {SottoError} RATE_LIMITED after too many wrong codes, even for a right code. Recovery codes are still
 *   accepted: they are too long to guess. UNAVAILABLE if the server cannot decrypt the secret.
 */
export async function takeProof(
  trx: Executor,
  ctx: Context,
  userId: string,
  { code, recoveryCode }: SecondFactorProof,
): Promise<boolean> {
  const factor = await store.secondFactors.find(trx, userId)
  if (!factor?.confirmed_at) return false
  if (recoveryCode === undefined) {
    return code !== undefined && takeCode(trx, ctx, userId, factor.sealed_secret, code)
  }
  const isTaken = await store.secondFactors.takeRecoveryCode(
    trx,
    userId,
    hashRecoveryCode(userId, recoveryCode),
  )
  if (isTaken) await store.secondFactors.resetAttempts(trx, userId)
  return isTaken
}

/** Like takeProof, for a TOTP code, also of a secret that is not confirmed yet. */
export async function takeCode(
  trx: Executor,
  ctx: Context,
  userId: string,
  sealedSecret: string,
  code: string,
): Promise<boolean> {
  const { secretBox, now } = ctx.app
  const at = now()
  const step = totpStepOf(secretBox.open(sealedSecret, userId), code, at)
  // Counted before the check, in one statement, so that concurrent guesses cannot exceed the maximum.
  const attempt = await store.secondFactors.takeAttempt(trx, userId, {
    at,
    max: MAX_WRONG_CODES,
    periodMs: PERIOD_MS,
  })
  if (!attempt) throw await tooManyWrongCodes(trx, userId, at)
  const taken = step !== undefined && { step, latest: latestTotpStep(at) }
  if (taken && (await store.secondFactors.takeTotpStep(trx, userId, taken))) return true
  await store.secondFactors.noteWrongCode(trx, userId, at)
  if (attempt.wrong_codes === MAX_WRONG_CODES) {
    await recordAudit(trx, ctx, { action: 'user.second_factor_blocked', subjectId: userId })
  }
  return false
}

async function tooManyWrongCodes(trx: Executor, userId: string, now: Date): Promise<SottoError> {
  const factor = await store.secondFactors.find(trx, userId)
  const until = factor ? codesBlockedUntil(factor, now) : null
  return new SottoError('RATE_LIMITED', {
    detail: `too many wrong codes (maximum ${MAX_WRONG_CODES} in 24 hours): use a recovery code`,
    retryAfterMs: until ? until.getTime() - now.getTime() : PERIOD_MS,
  })
}
