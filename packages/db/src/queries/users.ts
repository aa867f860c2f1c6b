import { externalIdIn } from '@sotto/contract'
import { idList, inList } from '../dialect/expressions.ts'
import { foldEmail, foldName } from '../fold-name.ts'
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
  'users.external_id',
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
const byExternalId = statement((db, p: { externalId: string }) =>
  db
    .selectFrom('users')
    .select(userColumns)
    .where('external_id', '=', p.externalId)
    .where('erased_at', 'is', null),
)
const byIds = statement((db, p: { ids: ReturnType<typeof idList> }) =>
  db
    .selectFrom('users')
    .select(userColumns)
    .where((eb) => inList(db, eb, 'users.id', p.ids)),
)

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** PostgreSQL rejects comparing a uuid column with any other string, so check before querying. */
export function isUuid(value: string): boolean {
  return UUID.test(value)
}

/** The statements that find a user by each kind of reference. */
interface FindStatements<Row> {
  byId: (db: Executor, p: { id: string }) => Promise<Row[]>
  byUsername: (db: Executor, p: { username: string }) => Promise<Row[]>
  byExternalId: (db: Executor, p: { externalId: string }) => Promise<Row[]>
}

/** The row of a user reference, as `foldUserRef` returns it. No username looks like an id: it is too short. */
export async function findByRef<Row>(
  db: Executor,
  ref: string,
  { byId, byUsername, byExternalId }: FindStatements<Row>,
): Promise<Row | undefined> {
  // PostgreSQL rejects strings with a null character. Credentials have not passed a schema and may contain one.
  if (ref.includes('\0')) return undefined
  const externalId = externalIdIn(ref)
  const [row] =
    externalId !== undefined
      ? await byExternalId(db, { externalId })
      : isUuid(ref)
        ? await byId(db, { id: ref })
        : await byUsername(db, { username: ref })
  return row
}

/** A user by reference. Erased users are not found. */
export async function find(db: Executor, ref: string): Promise<UserRow | undefined> {
  return findByRef(db, ref, { byId, byUsername, byExternalId })
}

/**
 * Gives a user with exactly this username the external id, if they have neither a password nor an external id: others
 * must not be able to take a username before its owner.
 *
 * @returns the user, or undefined if there is none.
 */
export async function adopt(
  trx: Executor,
  externalId: string,
  at: Date,
): Promise<Pick<UserTable, 'id' | 'role'> | undefined> {
  return trx
    .updateTable('users')
    .set({ external_id: externalId, updated_at: at })
    .where('username', '=', externalId)
    .where('password_hash', 'is', null)
    .where('external_id', 'is', null)
    .where('erased_at', 'is', null)
    .returning(['id', 'role'])
    .executeTakeFirst()
}

export async function findMany(db: Executor, ids: readonly string[]): Promise<UserRow[]> {
  return ids.length === 0 ? [] : byIds(db, { ids: idList(db, ids) })
}

export interface NewUser {
  id: string
  username: string
  externalId: string | null
  displayName: string | null
  firstName: string | null
  lastName: string | null
  email: string | null
  avatarUrl: string | null
  passwordHash: string | null
  at: Date
}

/** @returns false, without writing, if the username, the external id or the email address is taken. */
export async function insert(db: Executor, user: NewUser): Promise<boolean> {
  const inserted = await db
    .insertInto('users')
    .values({
      id: user.id,
      username: user.username,
      external_id: user.externalId,
      display_name: user.displayName,
      display_name_key: user.displayName === null ? null : foldName(user.displayName),
      first_name: user.firstName,
      last_name: user.lastName,
      email: user.email,
      email_key: user.email === null ? null : foldEmail(user.email),
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
  externalId?: string | null | undefined
  displayName?: string | null | undefined
  firstName?: string | null | undefined
  lastName?: string | null | undefined
  email?: string | null | undefined
  avatarUrl?: string | null | undefined
}

/**
 * Changes the given fields and keeps those that are undefined. A taken external id or email address is a unique
 * violation.
 */
export async function updateProfile(
  db: Executor,
  id: string,
  change: ProfileChange,
  at: Date,
): Promise<void> {
  await db
    .updateTable('users')
    .set({
      ...(change.externalId !== undefined && { external_id: change.externalId }),
      ...(change.displayName !== undefined && {
        display_name: change.displayName,
        display_name_key: change.displayName === null ? null : foldName(change.displayName),
      }),
      ...(change.firstName !== undefined && { first_name: change.firstName }),
      ...(change.lastName !== undefined && { last_name: change.lastName }),
      ...(change.email !== undefined && {
        email: change.email,
        email_key: change.email === null ? null : foldEmail(change.email),
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

/** Appended to a prefix, sorts after every string with that prefix, by code point. */
const LAST = '\u{10FFFF}'

/** The maximum number of display name matches to sort. Beyond that, matches are considered dense. */
const MAX_SORTED = 1_000
/** The maximum number of users a request scans if matches are dense. */
const SCAN_BUDGET = 2_000
/** The number of pages a search scans before it sorts the matches instead. */
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
    // The order of the index. Without it, PostgreSQL might scan the table until it has found enough.
    .orderBy('display_name_key')
    .orderBy('username')
    .limit(p.limit),
)

export interface UserPage {
  rows: UserRow[]
  /** The username to continue after. Undefined at the end. */
  next: string | undefined
}

/** Users by username, after the given one ('' for the first page). */
export async function list(db: Executor, after: string, limit: number): Promise<UserPage> {
  return endOfPage(await listAfter(db, { after, limit: limit + 1 }), limit)
}

function endOfPage(rows: UserRow[], limit: number): UserPage {
  const page = rows.slice(0, limit)
  return { rows: page, next: rows.length > limit ? page.at(-1)?.username : undefined }
}

/**
 * Users whose username or display name starts with `prefix`, ignoring case and Unicode form, by
 * username.
 *
 * Display names have their own index in a different order. Less than a page of display name matches is sorted here.
 * With more, a short scan by username usually fills the page; if it does not, up to MAX_SORTED matches are sorted. With
 * even more, the scan continues up to a limit. The page may then be short, but has a `next`.
 */
export async function search(db: Executor, prefix: string, after: string, limit: number): Promise<UserPage> {
  const from = foldName(prefix)
  // Only of characters that are not shown, which no name starts with.
  if (from === '') return { rows: [], next: undefined }
  const few = await displayNameMatches(db, { from, to: from + LAST, limit })
  if (few.length < limit) return mergeMatches(db, few, from, after, limit)

  const walked = await walkUsers(db, from, after, limit, SHORT_WALK * limit)
  if (walked.isComplete) return walked.page

  const more = await displayNameMatches(db, { from, to: from + LAST, limit: MAX_SORTED + 1 })
  if (more.length <= MAX_SORTED) return mergeMatches(db, more, from, after, limit)
  return (await walkUsers(db, from, after, limit, SCAN_BUDGET)).page
}

/** One page of the given display name matches and of all username matches. */
async function mergeMatches(
  db: Executor,
  byDisplayName: readonly Pick<UserRow, 'id' | 'username'>[],
  prefix: string,
  after: string,
  limit: number,
): Promise<UserPage> {
  const to = prefix + LAST
  // Use a single lower bound: given two, SQLite would seek to one and scan past the rows that the other excludes.
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

/** `isComplete`: the page is full, or contains all matches. */
async function walkUsers(
  db: Executor,
  prefix: string,
  after: string,
  limit: number,
  budget: number,
): Promise<{ page: UserPage; isComplete: boolean }> {
  const rows: UserRow[] = []
  let position = after
  for (let scanned = 0, chunk = limit + 1; scanned < budget; ) {
    const walked = await listAfter(db, { after: position, limit: chunk })
    for (const row of walked) {
      if (
        row.username.startsWith(prefix) ||
        (row.display_name !== null && foldName(row.display_name).startsWith(prefix))
      )
        rows.push(row)
      if (rows.length > limit) return { page: endOfPage(rows, limit), isComplete: true }
    }
    const last = walked.at(-1)
    if (!last || walked.length < chunk) return { page: { rows, next: undefined }, isComplete: true }
    position = last.username
    scanned += chunk
    chunk = Math.min(nextChunk(scanned, rows.length, limit), budget - scanned)
  }
  return { page: { rows, next: position }, isComplete: false }
}
