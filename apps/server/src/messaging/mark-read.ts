import { type Contract, invalidInput, SottoError } from '@sotto/contract'
import {
  appendEvent,
  countOthersMessages,
  type Executor,
  findConversation,
  findParticipant,
  insertReceipt,
  lockConversation,
  lockKeyOf,
  type ParticipantRow,
  updateReadMark,
} from '@sotto/db'
import type { z } from 'zod'
import { requireActor, requireConversation } from '../access.ts'
import type { Context } from '../context.ts'
import { recordDelivered } from './delivery-marks.ts'
import { boundUnread } from './show-conversations.ts'

/** Reads everything up to and including a message. Never moves back; what is read has been delivered. */
export async function markRead(
  ctx: Context,
  input: z.output<Contract['conversations']['read']['input']>,
): Promise<{ readSeq: number; unreadCount: number }> {
  const actor = requireActor(ctx)
  const { id, ...known } = await requireConversation(ctx, input.conversationId)
  return ctx.app.write(async (trx) => {
    await lockConversation(trx, lockKeyOf({ id, ...known }))
    const conversation = await findConversation(trx, id)
    const mine = await findParticipant(trx, id, actor.id)
    if (!conversation || !mine) throw new SottoError('CONVERSATION_NOT_FOUND')
    if (input.seq > conversation.last_seq) {
      throw invalidInput('seq', `takes 0 to ${conversation.last_seq}, the last message`)
    }
    if (input.seq <= mine.read_seq)
      return { readSeq: mine.read_seq, unreadCount: boundUnread(mine.unread_count) }

    const mark = { conversationId: id, userId: actor.id, seq: input.seq }
    const unreadCount = await unreadAfter(trx, mine, input.seq, conversation.last_seq)
    const at = ctx.app.now()
    await updateReadMark(trx, { ...mark, unreadCount })
    if (mine.delivered_seq < input.seq) await recordDelivered(trx, mark, at)
    await insertReceipt(trx, { ...mark, kind: 'read', at })
    await appendEvent(trx, {
      type: 'receipt.read',
      conversationId: id,
      userId: actor.id,
      messageId: null,
      seq: input.seq,
      emoji: null,
      at,
    })
    return { readSeq: input.seq, unreadCount: boundUnread(unreadCount) }
  })
}

/** Counts on the shorter side of the new mark: what was read now, or what is left. */
async function unreadAfter(
  trx: Executor,
  mine: ParticipantRow,
  seq: number,
  lastSeq: number,
): Promise<number> {
  const { conversation_id: conversationId, user_id: userId } = mine
  if (seq - mine.read_seq < lastSeq - seq) {
    return (
      mine.unread_count -
      (await countOthersMessages(trx, { conversationId, userId, above: mine.read_seq, upTo: seq }))
    )
  }
  return seq === lastSeq ? 0 : countOthersMessages(trx, { conversationId, userId, above: seq, upTo: lastSeq })
}
