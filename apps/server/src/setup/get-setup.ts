import { store } from '@sotto/db'
import type { Context } from '../app/context.ts'
import { hasNoUsers, hasValidToken } from './setup-token.ts'

/** Whether the first account can still be created. */
export async function getSetup({ app: { db, now } }: Context): Promise<{ open: boolean }> {
  if (await store.setup.hasAdmin(db)) return { open: false }
  const setup = await store.setup.find(db)
  return { open: (setup !== undefined && hasValidToken(setup, now())) || (await hasNoUsers(db, setup)) }
}
