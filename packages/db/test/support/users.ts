import { type Executor, store } from '../../src/index.ts'

/** An id that ends with this number. */
export function idOf(n: number): string {
  return `019c0000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
}

/** Inserts a user called `user<n>`. */
export async function addUser(db: Executor, n: number): Promise<void> {
  await store.users.insert(db, {
    id: idOf(n),
    username: `user${n}`,
    externalId: null,
    displayName: null,
    firstName: null,
    lastName: null,
    email: null,
    avatarUrl: null,
    passwordHash: null,
    at: new Date('2026-01-01T00:00:00.000Z'),
  })
}

/** The numbers of all users, in order. */
export async function userNumbers(db: Executor): Promise<number[]> {
  const rows = await db.selectFrom('users').select('username').execute()
  return rows.map((row) => Number(row.username.slice('user'.length))).sort((a, b) => a - b)
}
