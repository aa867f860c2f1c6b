import { type InputIssue, invalidInput, SottoError } from '@sotto/contract'
import {
  type ConversationRow,
  type Executor,
  findConversation,
  findMessage,
  findParticipant,
  type MessageRow,
  type Viewer,
} from '@sotto/db'
import type { Actor, Context } from './context.ts'
import { names } from './identity/identity.ts'

/*
 * Who may do what. Every use case begins with one of these. What a caller may not read answers exactly as what
 * does not exist.
 */

/** Anyone with credentials. */
export function requireCaller(ctx: Context): void {
  if (ctx.caller.kind === 'anonymous') throw new SottoError('UNAUTHENTICATED')
}

/** The user whom the request acts for. */
export function requireActor(ctx: Context): Actor {
  requireCaller(ctx)
  const actor = actorOf(ctx)
  if (!actor) throw new SottoError('ACTOR_REQUIRED', { detail: 'name a user in the Act-As header' })
  return actor
}

/** The user whom the request acts for, if it does for one. */
export function actorOf(ctx: Context): Actor | undefined {
  return ctx.caller.kind === 'anonymous' ? undefined : ctx.caller.actor
}

/** The session whose token the request carries, if it carries one. */
export function sessionIdOf({ caller }: Context): string | undefined {
  return caller.kind === 'user' && caller.credential.kind === 'session' ? caller.credential.id : undefined
}

/** Acts for nobody: it may read and manage everything. */
export function isBareKey(ctx: Context): boolean {
  return ctx.caller.kind === 'key' && !ctx.caller.actor
}

/** In whose eyes messages are shown. */
export function viewerOf(ctx: Context): Viewer {
  return actorOf(ctx)?.id ?? null
}

/** The sender: the actor, or whom a bare service key names. */
export async function requireSender(ctx: Context, from: string | undefined): Promise<Actor> {
  requireCaller(ctx)
  const actor = actorOf(ctx)
  if (actor) {
    if (from !== undefined && !names(actor, from)) {
      throw new SottoError('FORBIDDEN', { detail: 'from names somebody else than the one who acts' })
    }
    return actor
  }
  if (from === undefined) {
    throw new SottoError('ACTOR_REQUIRED', { detail: 'name the sender in from, or in the Act-As header' })
  }
  return requireUser(ctx, from, 'from')
}

/** A bare service key, or the user in question. */
export async function requireSelfOrKey(ctx: Context, ref: string): Promise<Actor> {
  requireCaller(ctx)
  const user = await requireUser(ctx, ref, 'user')
  const actor = actorOf(ctx)
  if (actor && actor.id !== user.id) throw new SottoError('FORBIDDEN')
  return user
}

/** @throws {SottoError} USER_NOT_FOUND that names the field. */
export async function requireUser(ctx: Context, ref: string, field: string): Promise<Actor> {
  const user = await ctx.app.identity.findActor(ref)
  if (user) return user
  const issues: InputIssue[] = [{ path: field, message: 'names nobody' }]
  throw new SottoError('USER_NOT_FOUND', { detail: `${field} names nobody`, issues })
}

/** The user whom `user` names, where it may not name the actor. */
export async function requireOther(ctx: Context, actor: Actor, ref: string): Promise<Actor> {
  const other = await requireUser(ctx, ref, 'user')
  if (other.id === actor.id) throw invalidInput('user', 'takes another user than oneself')
  return other
}

/** A conversation that the caller may read. */
export async function requireConversation(ctx: Context, conversationId: string): Promise<ConversationRow> {
  requireCaller(ctx)
  return requireConversationOf(ctx, conversationId, viewerOf(ctx))
}

/** A conversation that this user is in; any for nobody in particular, which is a bare service key. */
export async function requireConversationOf(
  ctx: Context,
  conversationId: string,
  viewer: Viewer,
): Promise<ConversationRow> {
  const conversation = await findConversation(ctx.app.db, conversationId)
  if (!conversation || !(await mayRead(ctx.app.db, conversation.id, viewer))) {
    throw new SottoError('CONVERSATION_NOT_FOUND')
  }
  return conversation
}

/** A message that the caller may read, as it stands now. */
export async function requireMessage(
  ctx: Context,
  messageId: string,
  db: Executor = ctx.app.db,
): Promise<MessageRow> {
  requireCaller(ctx)
  const viewer = viewerOf(ctx)
  const message = await findMessage(db, messageId, viewer)
  if (!message || !(await mayRead(db, message.conversation_id, viewer)))
    throw new SottoError('MESSAGE_NOT_FOUND')
  return message
}

async function mayRead(db: Executor, conversationId: string, viewer: Viewer): Promise<boolean> {
  return viewer === null || (await findParticipant(db, conversationId, viewer)) !== undefined
}
