import type { Contract } from '@sotto/contract'
import { store } from '@sotto/db'
import type { z } from 'zod'
import type { CallerContext } from '../app/context.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { toReceipt } from '../views/receipts.ts'
import { pageOfMembers } from './list-participants.ts'

type Receipts = z.input<Contract['conversations']['receipts']['output']>

/** The participants' read and delivery marks, and when a given message was delivered to and read by each. */
export async function listReceipts(
  ctx: CallerContext,
  input: InputOf<'conversations', 'receipts'>,
): Promise<Receipts> {
  const { conversation, members, nextCursor } = await pageOfMembers(ctx, input)
  const seq = input.seq ?? conversation.last_seq
  const times = await store.receipts.findTimes(ctx.app.db, {
    conversationId: conversation.id,
    userIds: members.map((member) => member.id),
    seq: Math.max(seq, 1),
  })
  const timesOf = new Map(times.map((row) => [row.user_id, row]))
  return {
    items: members.map((member) => toReceipt(member, timesOf.get(member.id))),
    nextCursor,
  }
}
