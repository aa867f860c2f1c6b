import type { RouterOutputs, SottoClient } from '@sotto/sdk'
import { SottoError } from '@sotto/sdk'

/** The user who is signed in to this browser, or null. */
export async function fetchMe(sotto: SottoClient): Promise<RouterOutputs['users']['me'] | null> {
  try {
    return await sotto.users.me()
  } catch (error) {
    if (error instanceof SottoError && error.code === 'UNAUTHENTICATED') return null
    throw error
  }
}
