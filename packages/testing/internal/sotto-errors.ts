import { SottoError } from '@sotto/sdk'

/** The error that this call fails with. */
export async function failureOf(call: PromiseLike<unknown>): Promise<SottoError> {
  try {
    await call
  } catch (error) {
    if (error instanceof SottoError) return error
    throw error
  }
  throw new Error('the call did not fail')
}

/** The code of the error that this call fails with. */
export async function codeOf(call: PromiseLike<unknown>): Promise<string> {
  return (await failureOf(call)).code
}
