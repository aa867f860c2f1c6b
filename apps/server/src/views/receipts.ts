import type { MemberWithMarksRow, ReceiptTimesRow } from '@sotto/db'
import { receiptTime } from './messages.ts'

/** A participant's marks, and when one message was delivered to them and read by them. */
export function toReceipt(member: MemberWithMarksRow, times: ReceiptTimesRow | undefined) {
  const timeOf = (name: 'delivered_at' | 'read_at') =>
    times ? receiptTime(times[name], times.sent_at ?? new Date(0)) : null
  return {
    userId: member.id,
    deliveredSeq: Math.max(member.delivered_seq, member.read_seq),
    readSeq: member.read_seq,
    deliveredAt: timeOf('delivered_at'),
    readAt: timeOf('read_at'),
  }
}
