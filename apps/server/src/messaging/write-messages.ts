import { createHash } from 'node:crypto'
import { type Message, SottoError } from '@sotto/contract'
import {
  type EventTransaction,
  type Executor,
  type FoundTarget,
  type MessageRow,
  type NewMessage,
  store,
} from '@sotto/db'
import type { Runtime } from '../app/runtime.ts'
import type { Actor } from '../auth/caller.ts'
import { notBefore } from '../lib/clock.ts'
import { type ReachRules, requireReach } from '../people/reach.ts'

/** The columns that sending fills in. */
type OwnColumn =
  | 'id'
  | 'conversation_id'
  | 'sender_id'
  | 'sender'
  | 'recipient_id'
  | 'client_message_id'
  | 'content_hash'
  | 'created_at'

/** The content of a message. */
export type Content = Omit<NewMessage, OwnColumn | 'media'> & {
  media: Message['image'] | Message['video']
}

/** A message to write. Has passed all checks that do not need the conversation lock. */
export interface Draft {
  sender: Actor
  content: Content
  clientMessageId: string | undefined
  /** The key of the conversation lock, which exists before the direct conversation does. */
  lockKey: string
  /** Null if the message may create the conversation. */
  conversationId: string | null
  /** Null in groups. */
  recipientId: string | null
}

/** The new message, or the id of the message that an earlier identical send created. */
export type Outcome = { message: MessageRow; earlier?: never } | { message?: never; earlier: string }

type Parts = Pick<Runtime, 'now' | 'newId'> & ReachRules

/**
 * Writes messages to different conversations in one transaction. It holds their conversation locks, so that seq,
 * message, counters and event commit together.
 *
 * @param locking whether to wait for the conversation locks or to skip locked conversations
 * @returns the outcome or the reason for rejection for each draft; undefined for skipped drafts
 */
export async function writeMessages(
  parts: Parts,
  trx: EventTransaction,
  drafts: readonly Draft[],
  locking: 'wait' | 'skip locked',
): Promise<(Outcome | SottoError | undefined)[]> {
  const locked = await lockConversations(trx, drafts, locking)
  const found = await store.sendTargets.find(
    trx,
    locked.map((draft) => ({
      directKey: draft.recipientId === null ? null : draft.lockKey,
      conversationId: draft.conversationId,
      senderId: draft.sender.id,
      recipientId: draft.recipientId,
      clientMessageId: draft.clientMessageId ?? null,
    })),
  )

  const outcomes = new Map<Draft, Outcome | SottoError>()
  const writing: { draft: Draft; message: NewMessage }[] = []
  for (const [index, draft] of locked.entries()) {
    const target = found[index]
    const decision = target && decide(parts, draft, target)
    if (!decision) continue
    if (decision !== 'write') {
      outcomes.set(draft, decision)
      continue
    }
    const conversation = target.conversation ?? (await openDirect(parts, trx, draft))
    writing.push({ draft, message: newMessage(parts, draft, conversation) })
  }
  const messages = writing.map(({ message }) => message)
  const written = messages.length === 0 ? [] : await store.newMessages.add(trx, messages)
  for (const [index, { draft }] of writing.entries()) {
    const message = written[index]
    if (message) outcomes.set(draft, { message })
  }
  return drafts.map((draft) => outcomes.get(draft))
}

async function lockConversations(
  trx: Executor,
  drafts: readonly Draft[],
  locking: 'wait' | 'skip locked',
): Promise<readonly Draft[]> {
  const keys = drafts.map(({ lockKey }) => lockKey)
  if (locking === 'wait') {
    await store.conversations.lockMany(trx, keys)
    return drafts
  }
  const free = await store.conversations.lockFree(trx, keys)
  return drafts.filter(({ lockKey }) => free.has(lockKey))
}

function decide(
  { directMessages }: Parts,
  draft: Draft,
  { earlier, isParticipant, relationship, conversation }: FoundTarget,
): 'write' | Outcome | SottoError {
  // Comes first: repeating a send returns its message even if a block has been added since.
  if (earlier) {
    return earlier.contentHash === hashContent(draft.content)
      ? { earlier: earlier.id }
      : new SottoError('IDEMPOTENCY_CONFLICT')
  }
  // The sender may have been removed since the first check.
  const canSend = draft.conversationId === null ? true : conversation && isParticipant
  if (!canSend) return new SottoError('CONVERSATION_NOT_FOUND')
  try {
    if (draft.recipientId !== null) requireReach({ directMessages }, relationship)
    return 'write'
  } catch (error) {
    if (error instanceof SottoError) return error
    throw error
  }
}

type TargetConversation = NonNullable<FoundTarget['conversation']>

async function openDirect(
  { now, newId }: Parts,
  trx: EventTransaction,
  draft: Draft,
): Promise<TargetConversation> {
  const { sender, recipientId, lockKey } = draft
  if (recipientId === null) throw new Error('a message cannot create a group')
  const id = newId()
  const at = now()
  const userIds = [...new Set([sender.id, recipientId])]
  await store.conversations.insert(trx, {
    id,
    directKey: lockKey,
    name: null,
    participantCount: userIds.length,
    at,
  })
  await store.participants.insertMany(
    trx,
    userIds.map((userId) => ({ userId, role: 'member' })),
    { conversationId: id, at, afterSeq: 0, firstEventId: 0, activeAt: at, addedBy: null },
  )
  await store.events.append(trx, {
    type: 'conversation.created',
    conversationId: id,
    userId: sender.id,
    seq: 0,
    at,
  })
  return { id, updated_at: at }
}

function newMessage({ now, newId }: Parts, draft: Draft, conversation: TargetConversation): NewMessage {
  const { sender, recipientId, content, clientMessageId } = draft
  return {
    id: newId(),
    conversation_id: conversation.id,
    sender_id: sender.id,
    sender: sender.username,
    recipient_id: recipientId,
    ...content,
    media: content.media && JSON.stringify(content.media),
    client_message_id: clientMessageId ?? null,
    content_hash: clientMessageId === undefined ? null : hashContent(content),
    created_at: notBefore(now(), conversation.updated_at),
  }
}

/** Identifies the content of a message, to compare repeated sends with the first. */
export function hashContent({ kind, text, media, ...more }: Content): string {
  // Fields added in later versions count only if they are set, so that existing hashes still match.
  const given = Object.entries(more).filter(([, value]) => value !== null)
  return createHash('sha256')
    .update(JSON.stringify([kind, text, media, ...given]))
    .digest('base64url')
}
