import { store } from '@sotto/db'
import type { Context } from '../app/context.ts'
import { hasNoUsers } from './setup-token.ts'

/** Whether the first account can still be created. */
export async function getSetup({ app: { db } }: Context): Promise<{ open: boolean }> {
  return { open: await hasNoUsers(db, await store.setup.find(db)) }
}
