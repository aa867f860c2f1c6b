import { SottoError } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import { people } from './demo-people.ts'

/** The two who are shown side by side: a conversation of the small world is theirs. */
export const shownPeople = [people[0].username, people[1].username] as const

const usernames: ReadonlySet<string> = new Set(people.map(({ username }) => username))

/** Whether somebody of this name comes with the demo. */
export function isOfDemo(username: string): boolean {
  return usernames.has(username)
}

/**
 * Ends the demo, if there is one: nobody is logged in as one of its people any more, and all who are here are somebody.
 * In the transaction in which somebody real comes, or one of its people becomes one. What was said stays.
 */
export async function endDemo(trx: Executor): Promise<void> {
  if (!(await store.setup.find(trx))?.demo_started_at) return
  // Whoever logs its people in meanwhile is waited for.
  await store.setup.hold(trx)
  for (const username of shownPeople) {
    const user = await store.users.find(trx, username)
    if (user) await store.sessions.removeAllOf(trx, user.id)
  }
  await store.setup.update(trx, { demo_started_at: null, demo_filled_at: null })
}

/**
 * For what people do to their own accounts. Those of a demo are anybody's who looks at it: nothing that one of them
 * does may outlive it.
 *
 * @throws {SottoError} FORBIDDEN
 */
export async function requireNotOfDemo(db: Executor, username: string): Promise<void> {
  if (!isOfDemo(username) || !(await store.setup.find(db))?.demo_started_at) return
  throw new SottoError('FORBIDDEN', { detail: 'demo accounts cannot be changed' })
}
