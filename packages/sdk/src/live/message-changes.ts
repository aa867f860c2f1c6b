import type { Event, Message } from '@sotto/contract'

export type Receipt = Extract<Event, { type: 'receipt.updated' }>
export type ReactionEvent = Extract<Event, { type: `reaction.${string}` }>

/** @param isByMe whether it is the user's own reaction */
export function withReaction<M extends Message>(
  message: M,
  { type, emoji, reactions }: ReactionEvent,
  isByMe: boolean,
): M {
  if (message.deletedAt) return message
  const mine = new Set(message.reactions.flatMap((reaction) => (reaction.byMe ? reaction.emoji : [])))
  if (isByMe && type === 'reaction.added') mine.add(emoji)
  if (isByMe && type === 'reaction.removed') mine.delete(emoji)
  return {
    ...message,
    reactions: reactions.map((reaction) => ({ ...reaction, byMe: mine.has(reaction.emoji) })),
  }
}

/** An event can arrive later than a newer response, so changes that are never undone are kept. */
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

/** A receipt covers messages up to a seq. It is from the recipient of the messages. */
export function withReceipt<M extends Message>(message: M, { userId, kind, seq, at }: Receipt): M {
  if (message.senderId === userId || message.seq > seq) return message
  if (kind === 'delivered') return message.deliveredAt ? message : { ...message, deliveredAt: at }
  return message.readAt ? message : { ...message, readAt: at }
}

/** Whether a message from a response or an event equals the known one. */
export function isSame(known: Message, message: Message): boolean {
  // Compares only the fields of `message`, because `known` has more.
  return (Object.keys(message) as (keyof Message)[]).every(
    (key) => known[key] === message[key] || JSON.stringify(known[key]) === JSON.stringify(message[key]),
  )
}
