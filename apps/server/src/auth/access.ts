import { type InputIssue, invalidInput, type KeyScope, keyScopes, SottoError } from '@sotto/contract'
import {
  type ConversationRow,
  type Executor,
  isWithin,
  type MessageRow,
  type Span,
  store,
  type Viewer,
} from '@sotto/db'
import type { CallerContext, Context } from '../app/context.ts'
import { type Actor, refersTo } from './caller.ts'

/*
 * Access checks for single resources. A use case starts with one of them, after the gate has checked whether the caller
 * can call the operation at all. A resource that the caller cannot read is reported as not found.
 */

/** The session of the request, if it was authenticated with a session token. */
export function sessionIdOf({ caller }: CallerContext): string | undefined {
  return caller.kind === 'user' && caller.credential.kind === 'session' ? caller.credential.id : undefined
}

/** A service key without an actor can read and manage everything. */
export function isBareKey({ caller }: Pick<Context, 'caller'>): boolean {
  return caller.kind === 'key' && !caller.actor
}

/** Requires scopes of a service key. Does nothing for other callers. */
export function requireScopes({ caller }: Pick<Context, 'caller'>, scopes: readonly KeyScope[]): void {
  if (caller.kind !== 'key') return
  const missing = scopes.filter((scope) => !caller.scopes.has(scope))
  if (missing.length > 0) {
    const noun = missing.length === 1 ? 'scope' : 'scopes'
    throw new SottoError('FORBIDDEN', { detail: `missing required ${noun}: ${missing.join(', ')}` })
  }
}

/**
 * For operations that let a user sign in, such as setting a password. A user can read and write, and an admin can do
 * everything, so a key needs the same scopes. Otherwise it could gain more than it has.
 */
export function requireMayGrantAccess(ctx: Pick<Context, 'caller'>, role: 'user' | 'admin'): void {
  requireScopes(ctx, role === 'admin' ? keyScopes : ['read', 'write'])
}

/** For changes to an account that could lock out an admin, such as erasing it. */
export function requireMayChangeAccount(ctx: Pick<Context, 'caller'>, role: 'user' | 'admin'): void {
  if (role === 'admin') requireScopes(ctx, ['admin'])
}

/** A signed token expires within a day, so it cannot be used to create access that lasts. */
export function requireLastingAccess({ app, caller }: Pick<Context, 'app' | 'caller'>): void {
  if (caller.kind !== 'user' || caller.credential.kind !== 'token' || app.tokensGrantLastingAccess) return
  throw new SottoError('FORBIDDEN', {
    detail: 'a signed token cannot create lasting access, because SOTTO_JWT_LASTING_ACCESS is off',
  })
}

/** The user whose view of messages to return; null for a bare service key. */
export function viewerOf(ctx: CallerContext): Viewer {
  return ctx.actor?.id ?? null
}

/** The sender: the actor, or the user named by a bare service key. */
export async function requireSender(ctx: CallerContext, from: string | undefined): Promise<Actor> {
  const actor = ctx.actor
  if (actor) {
    if (from !== undefined && !refersTo(from, actor)) {
      throw new SottoError('FORBIDDEN', { detail: 'from must be the acting user' })
    }
    return actor
  }
  if (from === undefined) {
    throw new SottoError('ACTOR_REQUIRED', {
      detail: 'the sender is required, in from or in the Act-As header',
    })
  }
  return requireUser(ctx, from, 'from')
}

/** Requires the user themselves or a bare service key. */
export async function requireSelfOrKey(ctx: CallerContext, ref: string): Promise<Actor> {
  const user = await requireUser(ctx, ref, 'user')
  const actor = ctx.actor
  if (actor && actor.id !== user.id) throw new SottoError('FORBIDDEN')
  return user
}

/** Requires the user themselves, an admin or a bare service key. */
export async function requireSelfOrAdmin(ctx: CallerContext, ref: string): Promise<Actor> {
  const isAdmin = ctx.caller.kind === 'user' && ctx.caller.isAdmin
  return isAdmin ? requireUser(ctx, ref, 'user') : requireSelfOrKey(ctx, ref)
}

/** @throws {SottoError} USER_NOT_FOUND that names the field. */
export async function requireUser(ctx: CallerContext, ref: string, field: string): Promise<Actor> {
  const user = await ctx.app.identity.findActor(ref)
  if (user) return user
  const issues: InputIssue[] = [{ path: field, message: 'no such user' }]
  throw new SottoError('USER_NOT_FOUND', { detail: `${field}: no such user`, issues })
}

/** The user given in the field `user`, who must not be the actor. */
export async function requireOther(ctx: CallerContext, actor: Actor, ref: string): Promise<Actor> {
  const other = await requireUser(ctx, ref, 'user')
  if (other.id === actor.id) throw invalidInput('user', 'must not be the calling user')
  return other
}

/** A conversation that the caller participates in; any conversation for a bare service key. */
export async function requireConversation(
  ctx: CallerContext,
  conversationId: string,
): Promise<ConversationRow> {
  return requireConversationOf(ctx, conversationId, viewerOf(ctx))
}

/** A conversation that the viewer participates in; any conversation if the viewer is null. */
export async function requireConversationOf(
  ctx: CallerContext,
  conversationId: string,
  viewer: Viewer,
): Promise<ConversationRow> {
  const { db } = ctx.app
  const conversation = await store.conversations.find(db, conversationId)
  const hasAccess = viewer === null || (await store.participants.find(db, conversationId, viewer))
  if (!conversation || !hasAccess) throw new SottoError('CONVERSATION_NOT_FOUND')
  return conversation
}

/** The part of a conversation that a caller can read. */
export interface Readable {
  conversation: ConversationRow
  /** Oldest first. */
  spans: readonly Span[]
}

/** The whole conversation. */
export const everything: readonly Span[] = [{ after: 0, until: undefined }]

/**
 * A conversation that the caller can read at least in part, including one they have left. Lists, single messages and
 * events use the same stays.
 */
export async function requireReadable(ctx: CallerContext, conversationId: string): Promise<Readable> {
  const conversation = await store.conversations.find(ctx.app.db, conversationId)
  const spans = await spansOf(ctx.app.db, conversationId, viewerOf(ctx))
  if (!conversation || spans.length === 0) throw new SottoError('CONVERSATION_NOT_FOUND')
  return { conversation, spans }
}

/** A message that the caller can read, in its current state. */
export async function requireMessage(ctx: CallerContext, messageId: string): Promise<MessageRow> {
  const { message } = await findReadable(ctx, messageId, ctx.app.db)
  return message
}

/** A message that the caller can read, in a conversation they are still in. */
export async function requireMessageToChange(
  ctx: CallerContext,
  messageId: string,
  db: Executor,
): Promise<MessageRow> {
  const { message, spans } = await findReadable(ctx, messageId, db)
  if (spans.every((span) => span.until !== undefined)) {
    throw new SottoError('FORBIDDEN', { detail: 'only participants of the conversation can do this' })
  }
  return message
}

async function findReadable(
  ctx: CallerContext,
  messageId: string,
  db: Executor,
): Promise<{ message: MessageRow; spans: readonly Span[] }> {
  const viewer = viewerOf(ctx)
  const message = await store.messages.find(db, messageId, viewer)
  if (!message) throw new SottoError('MESSAGE_NOT_FOUND')
  const spans = await spansOf(db, message.conversation_id, viewer)
  if (!isWithin(spans, message.seq)) throw new SottoError('MESSAGE_NOT_FOUND')
  return { message, spans }
}

async function spansOf(db: Executor, conversationId: string, viewer: Viewer): Promise<readonly Span[]> {
  return viewer === null ? everything : store.participants.findSpans(db, conversationId, viewer)
}
