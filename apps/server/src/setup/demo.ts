import { SottoError } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import { demoUsers } from './demo-users.ts'

/** The two users shown side by side. The small data set has a conversation between them. */
export const shownUsernames = [demoUsers[0].username, demoUsers[1].username] as const

const usernames: ReadonlySet<string> = new Set(demoUsers.map(({ username }) => username))

/** Whether the demo has a user with this name. */
function isDemoUser(username: string): boolean {
  return usernames.has(username)
}

/** Invalidates the setup token and ends the demo. Runs in the transaction that makes someone an admin. */
export async function endSetup(trx: Executor): Promise<void> {
  await endDemo(trx)
  await store.setup.update(trx, { token_hash: null, token_expires_at: null })
}

/** Ends the demo if this is one of its users: with a password, a demo user is a real user. */
export async function endDemoOf(trx: Executor, userId: string): Promise<void> {
  const user = await store.users.find(trx, userId)
  if (user && isDemoUser(user.username)) await endDemo(trx)
}

/**
 * Ends the demo, if there is one, by ending the sessions of its users. Runs in the transaction in which someone gets an
 * account of their own. The messages stay.
 */
export async function endDemo(trx: Executor): Promise<void> {
  if (!(await store.setup.find(trx))?.demo_started_at) return
  // Waits for a concurrent openDemo.
  await store.setup.hold(trx)
  for (const username of shownUsernames) {
    const user = await store.users.find(trx, username)
    if (user) await store.sessions.removeAllOf(trx, user.id)
  }
  await store.setup.update(trx, { demo_started_at: null, demo_filled_at: null })
}

/**
 * For changes to the caller's own account. Anyone who opens the demo can use its accounts, so no such change may
 * outlive it.
 *
 * @throws {SottoError} FORBIDDEN
 */
export async function requireNotDemoUser(db: Executor, username: string): Promise<void> {
  if (!isDemoUser(username) || !(await store.setup.find(db))?.demo_started_at) return
  throw new SottoError('FORBIDDEN', { detail: 'demo accounts cannot be changed' })
}
