import type { Contract } from '@sotto/contract'
import {
  type ConversationRow,
  isWithin,
  type MemberWithMarksRow,
  type ReceiptTimesRow,
  store,
} from '@sotto/db'
import type { z } from 'zod'
import type { CallerContext } from '../app/context.ts'
import { requireReadable } from '../auth/access.ts'
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
  const { spans } = await requireReadable(ctx, conversation.id)
  const sender = await store.messages.findSender(ctx.app.db, conversation.id, seq)
  const recipients = isWithin(spans, seq) ? members.filter((member) => member.id !== sender) : []
  const times = await store.receipts.findTimes(ctx.app.db, {
    conversationId: conversation.id,
    userIds: recipients.map((member) => member.id),
    seq,
  })
  const timesOf = new Map(times.map((row) => [row.user_id, row]))
  const blocks = await blocksOf(ctx, members)
  const items: ReturnType<typeof toReceipt>[] = []
  for (const member of members) {
    const before = blocks.get(member.id)
    items.push(
      before === undefined
        ? toReceipt(await reportedBy(ctx, conversation, member), timesOf.get(member.id))
        : await receiptBefore(ctx, conversation.id, member, timesOf.get(member.id), before),
    )
  }
  return { items, nextCursor }
}

/** The participants who are blocked by the actor, or the other way around, and since when. */
async function blocksOf(
  ctx: CallerContext,
  members: readonly MemberWithMarksRow[],
): Promise<ReadonlyMap<string, Date>> {
  const actor = ctx.actor
  if (!actor) return new Map()
  return store.blocks.findBetween(
    ctx.app.db,
    actor.id,
    members.map((member) => member.id),
  )
}

/** A participant with the marks that the actor may know of. Groups have no marks that are not reported. */
async function reportedBy(
  { app, actor }: CallerContext,
  { id, kind }: ConversationRow,
  member: MemberWithMarksRow,
): Promise<MemberWithMarksRow> {
  if (kind === 'group' || !actor || actor.id === member.id) return member
  return { ...member, ...(await store.receipts.findReportedMarks(app.db, id, member.id, member)) }
}

/** A participant's receipt as it was when the block began. */
async function receiptBefore(
  ctx: CallerContext,
  conversationId: string,
  member: MemberWithMarksRow,
  times: ReceiptTimesRow | undefined,
  before: Date,
) {
  const marks = await store.receipts.findMarksBefore(ctx.app.db, {
    conversationId,
    userId: member.id,
    before,
  })
  const known = (at: Date | null | undefined) => (at && at < before ? at : null)
  return toReceipt(
    { ...member, ...marks },
    times && { ...times, delivered_at: known(times.delivered_at), read_at: known(times.read_at) },
  )
}
