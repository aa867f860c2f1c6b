import type { MemberWithMarksRow, ReceiptTimesRow } from '@sotto/db'

/** How far a participant has come, and when they had and read one message. */
export function toReceipt(member: MemberWithMarksRow, times: ReceiptTimesRow | undefined) {
  return {
    userId: member.id,
    deliveredSeq: Math.max(member.delivered_seq, member.read_seq),
    readSeq: member.read_seq,
    deliveredAt: times?.delivered_at ?? null,
    readAt: times?.read_at ?? null,
  }
}
