import { SottoError } from '@sotto/sdk'

/** Returns the error of a call that must fail. */
export async function failureOf(call: PromiseLike<unknown>): Promise<SottoError> {
  try {
    await call
  } catch (error) {
    if (error instanceof SottoError) return error
    throw error
  }
  throw new Error('the call did not fail')
}

/** Returns the error code of a call that must fail. */
export async function codeOf(call: PromiseLike<unknown>): Promise<string> {
  return (await failureOf(call)).code
}
