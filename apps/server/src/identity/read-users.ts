import { defaultLimit, type PublicUser, SottoError, type User } from '@sotto/contract'
import { store, type UserRow } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { isBareKey, requireSelfOrKey } from '../auth/access.ts'
import { decodeCursor, encodeCursor, timeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { toCorrespondent, toPublicUser, toUser } from '../views/users.ts'

/** An email address is only visible to its user and to bare service keys. */
export function showUser(ctx: CallerContext, row: UserRow): User {
  return isBareKey(ctx) || ctx.actor?.id === row.id ? toUser(row) : toPublicUser(row)
}

export async function getUser(ctx: CallerContext, input: InputOf<'users', 'get'>): Promise<User> {
  const row = await store.users.find(ctx.app.db, input.user)
  if (!row) throw new SottoError('USER_NOT_FOUND', { detail: 'no such user' })
  return showUser(ctx, row)
}

export async function listUsers(
  ctx: CallerContext,
  input: InputOf<'users', 'list'>,
): Promise<{ items: User[]; nextCursor: string | null }> {
  const [after] = input.cursor === undefined ? [''] : decodeCursor('users', input.cursor)
  const limit = input.limit ?? defaultLimit
  const { q } = input
  const page = await ctx.app.read((db) =>
    q === undefined ? store.users.list(db, after, limit) : store.users.search(db, q, after, limit),
  )
  return {
    items: page.rows.map((row) => showUser(ctx, row)),
    nextCursor: page.next === undefined ? null : encodeCursor('users', [page.next]),
  }
}

interface Correspondent {
  user: PublicUser
  lastMessageAt: Date
  sentCount: number
  receivedCount: number
}

export async function getCorrespondents(
  ctx: CallerContext,
  input: InputOf<'users', 'correspondents'>,
): Promise<{ items: Correspondent[]; nextCursor: string | null }> {
  const user = await requireSelfOrKey(ctx, input.user)
  const limit = input.limit ?? defaultLimit
  const before = timePosition('correspondents', input.cursor)
  const rows = await ctx.app.read((db) => store.inbox.listCorrespondents(db, user.id, before, limit + 1))
  const page = pageOf(rows, limit, (last) =>
    timeCursor('correspondents', last.active_at, last.conversation_id),
  )
  return {
    items: page.rows.map(toCorrespondent),
    nextCursor: page.nextCursor,
  }
}
