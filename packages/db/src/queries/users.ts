import { idList, inList } from '../dialect/expressions.ts'
import type { UserTable } from '../schema.ts'
import type { Executor } from '../statement.ts'
import { statement } from '../statement.ts'
import { nextChunk } from './walk.ts'

export type UserRow = Omit<
  UserTable,
  'display_name_key' | 'email_key' | 'password_hash' | 'role' | 'disabled_at' | 'erased_at'
>

export const userColumns = [
  'users.id',
  'users.username',
  'users.display_name',
  'users.first_name',
  'users.last_name',
  'users.email',
  'users.avatar_url',
  'users.created_at',
  'users.updated_at',
] as const

const byId = statement((db, p: { id: string }) =>
  db.selectFrom('users').select(userColumns).where('id', '=', p.id).where('erased_at', 'is', null),
)
const byUsername = statement((db, p: { username: string }) =>
  db
    .selectFrom('users')
    .select(userColumns)
    .where('username', '=', p.username)
    .where('erased_at', 'is', null),
)
const byIds = statement((db, p: { ids: ReturnType<typeof idList> }) =>
  db
    .selectFrom('users')
    .select(userColumns)
    .where((eb) => inList(db, eb, 'users.id', p.ids)),
)

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** PostgreSQL refuses to compare a uuid with anything else, so what is none is never asked for. */
export function isUuid(value: string): boolean {
  return UUID.test(value)
}

/** By id or by username, both lower case. No username looks like an id: it is too short. Not who was erased. */
export async function find(db: Executor, ref: string): Promise<UserRow | undefined> {
  // PostgreSQL refuses to compare with it. Credentials can hold it, which no schema has seen.
  if (ref.includes('\0')) return undefined
  const [row] = isUuid(ref) ? await byId(db, { id: ref }) : await byUsername(db, { username: ref })
  return row
}

export async function findMany(db: Executor, ids: readonly string[]): Promise<UserRow[]> {
  return ids.length === 0 ? [] : byIds(db, { ids: idList(db, ids) })
}

export interface NewUser {
  id: string
  username: string
  displayName: string | null
  firstName: string | null
  lastName: string | null
  email: string | null
  avatarUrl: string | null
  passwordHash: string | null
  at: Date
}

/**
 * A text with its case aside, character by character: lowered as a whole, the beginning of a text would not be the
 * beginning of the text lowered (a capital sigma is another letter at the end of a word).
 */
function foldCase(text: string): string {
  return Array.from(text, (character) => character.toUpperCase().toLowerCase()).join('')
}

/** False when the username or the email address is taken; nothing is written then. */
export async function insert(db: Executor, user: NewUser): Promise<boolean> {
  const inserted = await db
    .insertInto('users')
    .values({
      id: user.id,
      username: user.username,
      display_name: user.displayName,
      display_name_key: user.displayName === null ? null : foldCase(user.displayName),
      first_name: user.firstName,
      last_name: user.lastName,
      email: user.email,
      email_key: user.email?.toLowerCase() ?? null,
      avatar_url: user.avatarUrl,
      password_hash: user.passwordHash,
      role: 'user',
      disabled_at: null,
      erased_at: null,
      created_at: user.at,
      updated_at: user.at,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

export interface ProfileChange {
  displayName?: string | null | undefined
  firstName?: string | null | undefined
  lastName?: string | null | undefined
  email?: string | null | undefined
  avatarUrl?: string | null | undefined
}

/** Changes what is there, leaves what is undefined. A taken email address is a unique violation. */
export async function updateProfile(
  db: Executor,
  id: string,
  change: ProfileChange,
  at: Date,
): Promise<void> {
  await db
    .updateTable('users')
    .set({
      ...(change.displayName !== undefined && {
        display_name: change.displayName,
        display_name_key: change.displayName === null ? null : foldCase(change.displayName),
      }),
      ...(change.firstName !== undefined && { first_name: change.firstName }),
      ...(change.lastName !== undefined && { last_name: change.lastName }),
      ...(change.email !== undefined && {
        email: change.email,
        email_key: change.email?.toLowerCase() ?? null,
      }),
      ...(change.avatarUrl !== undefined && { avatar_url: change.avatarUrl }),
      updated_at: at,
    })
    .where('id', '=', id)
    .execute()
}

const listAfter = statement((db, p: { after: string; limit: number }) =>
  db
    .selectFrom('users')
    .select(userColumns)
    .where('username', '>', p.after)
    .where('erased_at', 'is', null)
    .orderBy('username')
    .limit(p.limit),
)

/** Sorts after every string that begins with the prefix, by code points. */
const LAST = '\u{10FFFF}'

/** How many users whose display name matches are sorted at most; above that the matches are dense. */
const MAX_SORTED = 1_000
/** How many users a search among dense matches looks at in one request. */
const SCAN_BUDGET = 2_000
/** How many pages a search looks through for a page of matches, before it sorts them instead. */
const SHORT_WALK = 4

const usernamesFrom = statement((db, p: { from: string; to: string; limit: number }) =>
  db
    .selectFrom('users')
    .select(userColumns)
    .where('username', '>=', p.from)
    .where('username', '<', p.to)
    .where('erased_at', 'is', null)
    .orderBy('username')
    .limit(p.limit),
)
const usernamesAfter = statement((db, p: { after: string; to: string; limit: number }) =>
  db
    .selectFrom('users')
    .select(userColumns)
    .where('username', '>', p.after)
    .where('username', '<', p.to)
    .where('erased_at', 'is', null)
    .orderBy('username')
    .limit(p.limit),
)
const displayNameMatches = statement((db, p: { from: string; to: string; limit: number }) =>
  db
    .selectFrom('users')
    .select(['id', 'username'])
    .where('display_name_key', '>=', p.from)
    .where('display_name_key', '<', p.to)
    // The order of the index: without one PostgreSQL may as well read the table until it has met enough.
    .orderBy('display_name_key')
    .orderBy('username')
    .limit(p.limit),
)

export interface UserPage {
  rows: UserRow[]
  /** The username to go on after, or undefined at the end. */
  next: string | undefined
}

/** By username, ascending, after the given one ('' for the first page). */
export async function list(db: Executor, after: string, limit: number): Promise<UserPage> {
  return endOfPage(await listAfter(db, { after, limit: limit + 1 }), limit)
}

function endOfPage(rows: UserRow[], limit: number): UserPage {
  const page = rows.slice(0, limit)
  return { rows: page, next: rows.length > limit ? page.at(-1)?.username : undefined }
}

/**
 * Those whose username or display name begins with `prefix`, case aside, by username.
 *
 * Display names have an index of their own, whose order is another one. Less than a page of them is sorted here.
 * When there are more, a short walk by username meets enough of them if they are many; if they are not, up to
 * MAX_SORTED are sorted. Beyond that the walk goes on to a bound; the page may be short then, and has a `next`.
 */
export async function search(db: Executor, prefix: string, after: string, limit: number): Promise<UserPage> {
  const from = foldCase(prefix)
  const few = await displayNameMatches(db, { from, to: from + LAST, limit })
  if (few.length < limit) return mergeMatches(db, few, from, after, limit)

  const walked = await walkUsers(db, from, after, limit, SHORT_WALK * limit)
  if (walked.isWhole) return walked.page

  const more = await displayNameMatches(db, { from, to: from + LAST, limit: MAX_SORTED + 1 })
  if (more.length <= MAX_SORTED) return mergeMatches(db, more, from, after, limit)
  return (await walkUsers(db, from, after, limit, SCAN_BUDGET)).page
}

/** One page out of all whose display names match, and those whose usernames do. */
async function mergeMatches(
  db: Executor,
  byDisplayName: readonly Pick<UserRow, 'id' | 'username'>[],
  prefix: string,
  after: string,
  limit: number,
): Promise<UserPage> {
  const to = prefix + LAST
  // One lower bound: SQLite looks for the first one it finds, and reads over what the other one excludes.
  const byUsername = await (after < prefix
    ? usernamesFrom(db, { from: prefix, to, limit: limit + 1 })
    : usernamesAfter(db, { after, to, limit: limit + 1 }))
  const found = new Map(byUsername.map((row) => [row.id, row]))
  const more = byDisplayName
    .filter((match) => match.username > after && !found.has(match.id))
    .sort((a, b) => (a.username < b.username ? -1 : 1))
    .slice(0, limit + 1)
  for (const row of await findMany(
    db,
    more.map((match) => match.id),
  ))
    found.set(row.id, row)
  const rows = [...found.values()].sort((a, b) => (a.username < b.username ? -1 : 1))
  return endOfPage(rows.slice(0, limit + 1), limit)
}

/** `isWhole`: the page is full, or holds all there is. */
async function walkUsers(
  db: Executor,
  prefix: string,
  after: string,
  limit: number,
  budget: number,
): Promise<{ page: UserPage; isWhole: boolean }> {
  const rows: UserRow[] = []
  let position = after
  for (let scanned = 0, chunk = limit + 1; scanned < budget; ) {
    const walked = await listAfter(db, { after: position, limit: chunk })
    for (const row of walked) {
      if (
        row.username.startsWith(prefix) ||
        (row.display_name !== null && foldCase(row.display_name).startsWith(prefix))
      )
        rows.push(row)
      if (rows.length > limit) return { page: endOfPage(rows, limit), isWhole: true }
    }
    const last = walked.at(-1)
    if (!last || walked.length < chunk) return { page: { rows, next: undefined }, isWhole: true }
    position = last.username
    scanned += chunk
    chunk = Math.min(nextChunk(scanned, rows.length, limit), budget - scanned)
  }
  return { page: { rows, next: position }, isWhole: false }
}
