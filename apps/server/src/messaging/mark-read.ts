import { invalidInput, SottoError } from '@sotto/contract'
import { type ConversationRow, type Executor, lockKeyOf, type ParticipantRow, store } from '@sotto/db'
import type { ActorContext } from '../app/context.ts'
import { requireConversation } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { unreadOf } from '../views/conversations.ts'

/** Marks all messages up to a seq as read and delivered. The mark never moves back. */
export async function markRead(
  ctx: ActorContext,
  input: InputOf<'conversations', 'read'>,
): Promise<{ readSeq: number; unreadCount: number }> {
  const { actor } = ctx
  const { id, ...known } = await requireConversation(ctx, input.conversationId)
  return ctx.app.write(async (trx) => {
    await store.conversations.lock(trx, lockKeyOf({ id, ...known }))
    const conversation = await store.conversations.find(trx, id)
    const mine = await store.participants.find(trx, id, actor.id)
    if (!conversation || !mine) throw new SottoError('CONVERSATION_NOT_FOUND')
    if (input.seq > conversation.last_seq) {
      throw invalidInput('seq', `must be from 0 to ${conversation.last_seq}, the seq of the last message`)
    }
    if (input.seq <= mine.read_seq) {
      return { readSeq: mine.read_seq, unreadCount: unreadOf({ ...mine, last_seq: conversation.last_seq }) }
    }

    const mark = { conversationId: id, userId: actor.id, seq: input.seq }
    const skippedCount = await skippedAfter(trx, mine, input.seq, conversation.last_seq)
    const at = ctx.app.now()
    await store.receipts.updateReadMark(trx, { ...mark, skippedCount })
    if (mine.delivered_seq < input.seq) await store.receipts.moveDeliveredMarks(trx, [mark], at)
    const isReported = await mayReport(trx, conversation, actor.id)
    if (isReported) await store.receipts.insertRead(trx, { ...mark, at })
    await store.events.append(trx, {
      type: 'receipt.read',
      conversationId: id,
      userId: actor.id,
      // The user's own clients show the mark in any case.
      ...(!isReported && { audienceUserId: actor.id }),
      seq: input.seq,
      at,
    })
    return {
      readSeq: input.seq,
      unreadCount: unreadOf({
        last_seq: conversation.last_seq,
        read_seq: input.seq,
        skipped_count: skippedCount,
      }),
    }
  })
}

/** In a direct conversation, users who are blocked do not receive each other's receipts. Groups filter events instead. */
async function mayReport(
  trx: Executor,
  { direct_key: key }: ConversationRow,
  userId: string,
): Promise<boolean> {
  if (key === null) return true
  const others = key.split(':').filter((id) => id !== userId)
  return (await store.blocks.findBetween(trx, userId, others)).size === 0
}

/**
 * The number of messages after the new mark that do not count as unread. Counts whichever range is shorter: the newly
 * read or the remaining messages.
 */
async function skippedAfter(
  trx: Executor,
  mine: ParticipantRow,
  seq: number,
  lastSeq: number,
): Promise<number> {
  const { conversation_id: conversationId, user_id: userId } = mine
  const count = (above: number, upTo: number) =>
    store.receipts.countSkipped(trx, { conversationId, userId, above, upTo })
  if (seq === lastSeq) return 0
  if (seq - mine.read_seq < lastSeq - seq) return mine.skipped_count - (await count(mine.read_seq, seq))
  return count(seq, lastSeq)
}
