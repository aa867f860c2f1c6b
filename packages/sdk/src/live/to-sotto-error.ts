import { SottoError } from '@sotto/contract'

/** The error itself, or what wraps it: the code of an app can throw anything, such as its token function. */
export function toSottoError(error: unknown): SottoError {
  if (error instanceof SottoError) return error
  const detail = error instanceof Error ? error.message : String(error)
  return new SottoError('UNAVAILABLE', { detail, cause: error })
}
