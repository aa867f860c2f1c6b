import type { Event, Message } from '@sotto/contract'

export type Receipt = Extract<Event, { type: 'receipt.updated' }>
export type ReactionEvent = Extract<Event, { type: `reaction.${string}` }>

/** @param isByMe whether the reaction that it is about is, or was, the reader's own */
export function withReaction<M extends Message>(
  message: M,
  { type, emoji, reactions }: ReactionEvent,
  isByMe: boolean,
): M {
  if (message.deletedAt) return message
  const mine = new Set(message.reactions.flatMap((one) => (one.byMe ? one.emoji : [])))
  if (isByMe && type === 'reaction.added') mine.add(emoji)
  if (isByMe && type === 'reaction.removed') mine.delete(emoji)
  return { ...message, reactions: reactions.map((one) => ({ ...one, byMe: mine.has(one.emoji) })) }
}

/** An event can be on its way for longer than an answer: what only ever goes forward is not taken back. */
export function newer(known: Message, message: Message): Message {
  if (known.deletedAt && !message.deletedAt) return known
  const isOldText =
    !message.deletedAt && (known.editedAt?.getTime() ?? 0) > (message.editedAt?.getTime() ?? 0)
  return {
    ...message,
    ...(isOldText && { text: known.text, editedAt: known.editedAt }),
    deliveredAt: message.deliveredAt ?? known.deliveredAt,
    readAt: message.readAt ?? known.readAt,
  }
}

/** Receipts go up to a seq; they are of the one to whom the message was sent. */
export function withReceipt<M extends Message>(message: M, { userId, kind, seq, at }: Receipt): M {
  if (message.senderId === userId || message.seq > seq) return message
  if (kind === 'delivered') return message.deliveredAt ? message : { ...message, deliveredAt: at }
  return message.readAt ? message : { ...message, readAt: at }
}

/** Whether an answer or an event says of a message what is known of it. */
export function isSame(known: Message, message: Message): boolean {
  // By the message's own fields: what is known has more.
  return (Object.keys(message) as (keyof Message)[]).every(
    (key) => known[key] === message[key] || JSON.stringify(known[key]) === JSON.stringify(message[key]),
  )
}
