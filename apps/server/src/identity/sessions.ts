import { defaultLimit, invalidInput, SottoError, type User } from '@sotto/contract'
import { type Executor, store } from '@sotto/db'
import type { ActorContext, AdminContext, CallerContext, Context, SessionCookie } from '../app/context.ts'
import { recordAudit } from '../audit/record-audit.ts'
import { requireMayChangeAccount, requireUser, sessionIdOf } from '../auth/access.ts'
import type { Actor } from '../auth/caller.ts'
import { holdAccount } from '../auth/held-account.ts'
import { timeCursor, timePosition } from '../lib/cursors.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { pageOf } from '../lib/page.ts'
import { toSession } from '../views/sessions.ts'
import { toUser } from '../views/users.ts'
import type { VerifiedUser } from './identity.ts'
import { type SecondFactorProof, takeProof } from './second-factor.ts'
import { hashSecret, newSecret } from './secrets.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
const SESSION_LIFETIME_MS = 30 * DAY_MS
/** The maximum number of sessions per user. Signing in beyond it ends the oldest session. */
const MAX_SESSIONS_PER_USER = 100

/** Signs in. The token is returned once, in the response or in a cookie, and stored hashed. */
export async function createSession(
  ctx: Context,
  { username, password, cookie: wantsCookie, ...proof }: InputOf<'sessions', 'create'>,
): Promise<{ token?: string; expiresAt: Date; user: User }> {
  const cookie = wantsCookie ? requireCookie(ctx) : undefined
  const { db, identity, newId, now } = ctx.app
  const verified = await identity.verifyPassword(username, password, ctx)
  if (!verified) throw wrongCredentials()
  const { actor } = verified
  const token = newSecret('st')
  const createdAt = now()
  const expiresAt = new Date(createdAt.getTime() + SESSION_LIFETIME_MS)
  const created = await db.transaction().execute(async (trx) => {
    if (!(await store.credentials.holdPasswordHash(trx, actor.id, verified.hash))) throw wrongCredentials()
    if (!(await passesSecondFactor(trx, ctx, verified, proof))) return undefined
    await store.sessions.removeExpiredOf(trx, actor.id, createdAt)
    const hasEnded = await store.sessions.removeOldestOf(trx, actor.id, MAX_SESSIONS_PER_USER - 1)
    await store.sessions.insert(trx, {
      id: newId(),
      userId: actor.id,
      tokenHash: hashSecret(token),
      userAgent: ctx.userAgent,
      createdAt,
      expiresAt,
    })
    return { user: await store.users.find(trx, actor.id), hasEnded }
  })
  if (!created) {
    throw new SottoError('UNAUTHENTICATED', { detail: 'the code is wrong or was already used' })
  }
  const { user, hasEnded } = created
  if (!user) throw wrongCredentials()
  if (hasEnded) identity.forgetUsers()
  cookie?.set(token, expiresAt)
  return { ...(!cookie && { token }), expiresAt, user: toUser(user) }
}

function requireCookie({ sessionCookie }: Context): SessionCookie {
  if (!sessionCookie) throw invalidInput('cookie', 'cannot be true over a WebSocket or a stream')
  sessionCookie.require()
  return sessionCookie
}

function wrongCredentials(): SottoError {
  return new SottoError('UNAUTHENTICATED', { detail: 'wrong username or password' })
}

/** Call only after verifying the password, so that others cannot learn whether two-factor authentication is on. */
async function passesSecondFactor(
  trx: Executor,
  ctx: Context,
  { actor, hasSecondFactor }: VerifiedUser,
  proof: SecondFactorProof,
): Promise<boolean> {
  if (!hasSecondFactor) return true
  if (proof.code === undefined && proof.recoveryCode === undefined) {
    throw new SottoError('SECOND_FACTOR_REQUIRED', { detail: 'code or recoveryCode is required' })
  }
  return takeProof(trx, ctx, actor.id, proof)
}

interface OpenSession {
  id: string
  userAgent: string | null
  createdAt: Date
  lastUsedAt: Date
  expiresAt: Date
  current: boolean
}

/** The actor's sessions, newest first. */
export async function listSessions(
  ctx: ActorContext,
  input: InputOf<'sessions', 'list'>,
): Promise<{ items: OpenSession[]; nextCursor: string | null }> {
  return sessionsOf(ctx, ctx.actor, input)
}

/** A user's sessions, for admins. */
export async function listSessionsOf(
  ctx: AdminContext,
  input: InputOf<'sessions', 'listOf'>,
): Promise<{ items: OpenSession[]; nextCursor: string | null }> {
  return sessionsOf(ctx, await requireUser(ctx, input.user, 'user'), input)
}

async function sessionsOf(
  ctx: CallerContext,
  user: Actor,
  input: InputOf<'sessions', 'list'>,
): Promise<{ items: OpenSession[]; nextCursor: string | null }> {
  const { db, now } = ctx.app
  const limit = input.limit ?? defaultLimit
  const rows = await store.sessions.list(
    db,
    user.id,
    now(),
    timePosition('sessions', input.cursor),
    limit + 1,
  )
  const page = pageOf(rows, limit, (last) => timeCursor('sessions', last.created_at, last.id))
  const currentId = sessionIdOf(ctx)
  return {
    items: page.rows.map((row) => ({ ...toSession(row), current: row.id === currentId })),
    nextCursor: page.nextCursor,
  }
}

/** Signs out. Does nothing for callers without a session, such as keys and Basic authentication. */
export async function endSession(ctx: ActorContext): Promise<void> {
  const id = sessionIdOf(ctx)
  if (id === undefined) return
  await ctx.app.db.transaction().execute((trx) => store.sessions.remove(trx, id))
  ctx.app.identity.forgetUsers()
  ctx.sessionCookie?.clear()
}

/** Ends one of the actor's sessions. */
export async function revokeSession(
  ctx: ActorContext,
  { sessionId }: InputOf<'sessions', 'revoke'>,
): Promise<void> {
  const { actor } = ctx
  const { db, identity } = ctx.app
  const ended = await db.transaction().execute(async (trx) => {
    const { role } = await holdAccount(trx, ctx, actor.id)
    requireMayChangeAccount(ctx, role)
    return store.sessions.removeOf(trx, actor.id, sessionId)
  })
  if (!ended) throw new SottoError('SESSION_NOT_FOUND')
  identity.forgetUsers()
  if (sessionId === sessionIdOf(ctx)) ctx.sessionCookie?.clear()
}

/** Ends all sessions of a user, for admins. */
export async function endSessionsOf(
  ctx: AdminContext,
  { user: ref }: InputOf<'sessions', 'endAllOf'>,
): Promise<void> {
  const user = await requireUser(ctx, ref, 'user')
  const { db, identity } = ctx.app
  await db.transaction().execute(async (trx) => {
    await recordAudit(trx, ctx, { action: 'user.sessions_ended', subjectId: user.id })
    await store.sessions.removeAllOf(trx, user.id)
  })
  identity.forgetUsers()
}
