import type { Conversation, Event, Message } from '@sotto/contract'
import type { Receipt } from './message-changes.ts'
import { newer, withReaction, withReceipt } from './message-changes.ts'

/** Like the server, counts up to this. It means "this many or more". */
const MANY_UNREAD = 1_000

/**
 * The conversations of one user, from events and responses, and which of them may be outdated. Sends no requests: see
 * LiveInbox.
 */
export class InboxModel {
  /** The ids of conversations that must be fetched (again). */
  readonly stale = new Set<string>()
  /** The id of the user. */
  me: string | undefined
  readonly #known = new Map<string, Conversation>()
  /** The step at which an event last changed a conversation. */
  readonly #touched = new Map<string, number>()
  /** The unread messages that have arrived after `since`, by conversation. Messages up to `since` were counted by the server. */
  readonly #arrivals = new Map<string, { since: number; seqs: Set<number> }>()
  #step = 0
  #list: readonly Conversation[] | undefined

  /** Latest activity first. The same object until it changes. */
  get list(): readonly Conversation[] {
    this.#list ??= [...this.#known.values()].sort(byActivity)
    return this.#list
  }

  /** A logical time to note when sending a request. Events after it are newer than the request. */
  get step(): number {
    return this.#step
  }

  /**
   * Clears everything before a response is applied. Conversations changed by events since the request must be fetched
   * again, whether or not they are in the response.
   *
   * @param requestedAt the step at which the request was sent
   */
  restart(requestedAt: number): void {
    this.#known.clear()
    this.#arrivals.clear()
    this.stale.clear()
    this.#list = undefined
    for (const [id, step] of this.#touched) {
      if (step > requestedAt) this.stale.add(id)
      else this.#touched.delete(id)
    }
  }

  /** @param requestedAt the step at which the request was sent */
  putResponse(conversation: Conversation, requestedAt: number): void {
    const { id } = conversation
    const known = this.#known.get(id)
    if ((this.#touched.get(id) ?? 0) > requestedAt) {
      // It is unknown whether the response or the event is newer.
      this.stale.add(id)
      if (known) return
    } else {
      this.stale.delete(id)
    }
    this.#putCounted(conversation)
  }

  /** Removes a conversation that the server did not find for the user. */
  remove(id: string, requestedAt: number): void {
    if ((this.#touched.get(id) ?? 0) > requestedAt) return
    this.#remove(id)
  }

  apply(event: Exclude<Event, { conversationId: null }>): void {
    const { conversationId: id } = event
    this.#step += 1
    this.#touched.set(id, this.#step)
    const known = this.#known.get(id)
    switch (event.type) {
      case 'conversation.created':
      case 'conversation.updated':
        if (!known || known.lastSeq <= event.conversation.lastSeq) this.#putCounted(event.conversation)
        else this.stale.add(id)
        break
      case 'message.created':
        if (known) this.#put(this.#withMessage(known, event.message))
        else this.stale.add(id)
        break
      case 'participant.left':
        if (event.userId === this.me) {
          this.#remove(id)
        } else if (known) {
          this.stale.add(id)
        }
        break
      case 'participant.joined':
        if (known || event.userId === this.me) this.stale.add(id)
        break
      default:
        if (known) this.#change(known, event)
    }
  }

  #change(known: Conversation, event: Event): void {
    const { lastMessage } = known
    switch (event.type) {
      case 'participant.updated':
        this.stale.add(known.id)
        break
      case 'message.edited':
      case 'message.deleted': {
        const { message } = event
        if (lastMessage?.id === message.id) this.#put({ ...known, lastMessage: newer(lastMessage, message) })
        const mayCount = message.seq > known.readSeq && message.senderId !== this.me
        if (event.type === 'message.deleted' && mayCount) this.#applyDeletion(known.id, message.seq)
        break
      }
      case 'reaction.added':
      case 'reaction.removed':
        if (lastMessage?.id !== event.messageId) break
        this.#put({ ...known, lastMessage: withReaction(lastMessage, event, event.userId === this.me) })
        break
      case 'receipt.updated':
        this.#applyReceipt(known, event)
    }
  }

  #applyReceipt(known: Conversation, receipt: Receipt): void {
    const { id, kind, lastMessage, readSeq } = known
    const isOwnRead = receipt.userId === this.me && receipt.kind === 'read' && receipt.seq > readSeq
    const unreadCount = isOwnRead ? this.#countAfter(receipt.seq, known) : known.unreadCount
    // Messages to oneself count as read by their sender.
    if (unreadCount === undefined || known.participantCount === 1) this.stale.add(id)
    this.#put({
      ...known,
      // In a group, messages do not show who has read them.
      ...(kind === 'direct' && lastMessage && { lastMessage: withReceipt(lastMessage, receipt) }),
      ...(isOwnRead && unreadCount !== undefined && { readSeq: receipt.seq, unreadCount }),
    })
  }

  /** @returns the number of unread messages after this seq; undefined if only the server can count them. */
  #countAfter(seq: number, { id, lastSeq }: Conversation): number | undefined {
    if (seq >= lastSeq) return 0
    const arrivals = this.#arrivals.get(id)
    if (!arrivals || seq < arrivals.since) return undefined
    for (const arrival of arrivals.seqs) if (arrival <= seq) arrivals.seqs.delete(arrival)
    return arrivals.seqs.size
  }

  #applyDeletion(id: string, seq: number): void {
    const known = this.#known.get(id)
    if (known && this.#arrivals.get(id)?.seqs.delete(seq) && known.unreadCount < MANY_UNREAD) {
      this.#put({ ...known, unreadCount: known.unreadCount - 1 })
    } else {
      this.stale.add(id)
    }
  }

  /** `lastSeq` prevents counting a message twice that a response already included. */
  #withMessage(known: Conversation, message: Message): Conversation {
    const { seq, senderId, deletedAt } = message
    if (seq <= known.lastSeq) return known
    const isMine = senderId === this.me
    const isUnread = !isMine && !deletedAt
    if (isUnread) this.#noteArrival(known.id, seq)
    return {
      ...known,
      lastMessage: message,
      lastSeq: seq,
      // As on the server: a user who has read everything has also read their own next message.
      readSeq: isMine && known.readSeq === seq - 1 ? seq : known.readSeq,
      unreadCount: Math.min(MANY_UNREAD, known.unreadCount + (isUnread ? 1 : 0)),
      updatedAt: message.createdAt,
    }
  }

  #noteArrival(id: string, seq: number): void {
    const arrivals = this.#arrivals.get(id)
    arrivals?.seqs.add(seq)
    // So that it does not grow without limit.
    if (arrivals && arrivals.seqs.size > MANY_UNREAD) this.#arrivals.delete(id)
  }

  #remove(id: string): void {
    this.stale.delete(id)
    this.#arrivals.delete(id)
    if (this.#known.delete(id)) this.#list = undefined
  }

  /** Puts a conversation whose unread messages the server has counted. */
  #putCounted(conversation: Conversation): void {
    this.#arrivals.set(conversation.id, { since: conversation.lastSeq, seqs: new Set() })
    this.#put(conversation)
  }

  #put(conversation: Conversation): void {
    if (this.#known.get(conversation.id) === conversation) return
    this.#known.set(conversation.id, conversation)
    this.#list = undefined
  }
}

/** In the server's order. */
function byActivity(a: Conversation, b: Conversation): number {
  return b.updatedAt.getTime() - a.updatedAt.getTime() || (a.id < b.id ? 1 : -1)
}
