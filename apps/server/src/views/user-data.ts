import type { ExportedEdit, ExportedReaction, ExportedReceipt, ExportedStay } from '@sotto/db'

/* The parts of a user's export that no other operation returns. */

export function toStay(row: ExportedStay, userId: string) {
  const others = row.direct_key?.split(':').filter((id) => id !== userId) ?? []
  return {
    conversationId: row.conversation_id,
    kind: row.kind,
    name: row.name,
    otherId: others[0] ?? null,
    role: row.role,
    readSeq: row.read_seq,
    joinedAt: row.joined_at,
    leftAt: row.left_at,
  }
}

export function toExportedEdit(row: ExportedEdit) {
  return { messageId: row.message_id, text: row.text, replacedAt: row.replaced_at }
}

export function toExportedReaction(row: ExportedReaction) {
  return { messageId: row.message_id, emoji: row.emoji, createdAt: row.created_at }
}

export function toExportedReceipt(row: ExportedReceipt, conversationId: string) {
  return { conversationId, kind: row.kind, seq: row.seq, at: row.receipt_at }
}
