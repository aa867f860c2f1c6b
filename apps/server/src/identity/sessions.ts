import { type Contract, invalidInput, SottoError, type User } from '@sotto/contract'
import { deleteOldestSessionsOf, deleteSession, findUser, insertSession, toUser } from '@sotto/db'
import type { z } from 'zod'
import { requireActor } from '../access.ts'
import type { Context, SessionCookie } from '../context.ts'
import { hashSecret, newSecret } from './secrets.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
const SESSION_LIFETIME_MS = 30 * DAY_MS
/** How many sessions a user has at once; one more ends the oldest. */
const MAX_SESSIONS_OF_A_USER = 100

/** Logs in. The token is told once, to the caller or to the cookies of their browser, and kept hashed. */
export async function createSession(
  ctx: Context,
  input: z.output<Contract['sessions']['create']['input']>,
): Promise<{ token?: string; expiresAt: Date; user: User }> {
  const cookie = input.cookie ? requireCookie(ctx) : undefined
  const { db, identity, newId, now } = ctx.app
  const verified = await identity.verifyPassword(input.username, input.password, ctx)
  if (!verified) throw wrongCredentials()
  const { actor } = verified
  const user = await findUser(db, actor.id)
  if (!user) throw wrongCredentials()
  const token = newSecret('st')
  const createdAt = now()
  const expiresAt = new Date(createdAt.getTime() + SESSION_LIFETIME_MS)
  const hasEnded = await db.transaction().execute(async (trx) => {
    const hadMore = await deleteOldestSessionsOf(trx, actor.id, MAX_SESSIONS_OF_A_USER - 1)
    await insertSession(trx, {
      id: newId(),
      userId: actor.id,
      tokenHash: hashSecret(token),
      createdAt,
      expiresAt,
    })
    return hadMore
  })
  if (hasEnded) identity.forgetSessions()
  cookie?.set(token, expiresAt)
  return { ...(!cookie && { token }), expiresAt, user: toUser(user) }
}

function requireCookie({ sessionCookie }: Context): SessionCookie {
  if (!sessionCookie) throw invalidInput('cookie', 'takes true in plain requests alone, not in a stream')
  sessionCookie.require()
  return sessionCookie
}

function wrongCredentials(): SottoError {
  return new SottoError('UNAUTHENTICATED', { detail: 'the username or the password is wrong' })
}

/** Logs out. A caller without a session (a key, basic authentication) has nothing to end. */
export async function endSession(ctx: Context): Promise<void> {
  requireActor(ctx)
  const { caller, app } = ctx
  if (caller.kind !== 'user' || caller.credential.kind !== 'session') return
  const { id } = caller.credential
  await app.db.transaction().execute((trx) => deleteSession(trx, id))
  app.identity.forgetSessions()
  ctx.sessionCookie?.clear()
}
