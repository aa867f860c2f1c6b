import type { MemberWithMarksRow, ReceiptTimesRow } from '@sotto/db'

/** A participant's marks, and when one message was delivered to them and read by them. */
export function toReceipt(member: MemberWithMarksRow, times: ReceiptTimesRow | undefined) {
  return {
    userId: member.id,
    deliveredSeq: Math.max(member.delivered_seq, member.read_seq),
    readSeq: member.read_seq,
    deliveredAt: times?.delivered_at ?? null,
    readAt: times?.read_at ?? null,
  }
}
