import type { Conversation, Event, Message } from '@sotto/contract'
import type { Receipt } from './message-changes.ts'
import { newer, withReaction, withReceipt } from './message-changes.ts'

/** As the server counts: this means that many or more. */
const MANY_UNREAD = 1_000

/**
 * The conversations of one user, from events and from answers, and which of them may no longer be as the server has
 * them. Asks nobody: see LiveInbox.
 */
export class InboxModel {
  /** The ids of conversations that have to be asked for (again). */
  readonly stale = new Set<string>()
  /** The id of the user whom the inbox is for. */
  me: string | undefined
  readonly #known = new Map<string, Conversation>()
  /** When, in steps, a conversation was last touched by an event. */
  readonly #touched = new Map<string, number>()
  #step = 0
  #list: readonly Conversation[] | undefined

  /** Latest activity first. The same object until something changes. */
  get list(): readonly Conversation[] {
    this.#list ??= [...this.#known.values()].sort(byActivity)
    return this.#list
  }

  /** The time to name when an answer comes: what events have said since is newer than the answer. */
  get step(): number {
    return this.#step
  }

  /**
   * Forgets everything, for an answer to say how it is. What was touched since that was asked for has to be asked for
   * again, whether the answer has it or not.
   *
   * @param asked the step at which the server was asked
   */
  restart(asked: number): void {
    this.#known.clear()
    this.stale.clear()
    this.#list = undefined
    for (const [id, step] of this.#touched) {
      if (step > asked) this.stale.add(id)
      else this.#touched.delete(id)
    }
  }

  /** @param asked the step at which the server was asked */
  putAnswer(conversation: Conversation, asked: number): void {
    const { id } = conversation
    const known = this.#known.get(id)
    if ((this.#touched.get(id) ?? 0) > asked) {
      // Of the two nobody knows which one is newer.
      this.stale.add(id)
      if (known) return
    } else {
      this.stale.delete(id)
    }
    this.#put(conversation)
  }

  /** The server has answered that the user is not in it. */
  remove(id: string, asked: number): void {
    if ((this.#touched.get(id) ?? 0) > asked) return
    this.stale.delete(id)
    if (this.#known.delete(id)) this.#list = undefined
  }

  apply(event: Exclude<Event, { conversationId: null }>): void {
    const { conversationId: id } = event
    this.#step += 1
    this.#touched.set(id, this.#step)
    const known = this.#known.get(id)
    switch (event.type) {
      case 'conversation.created':
      case 'conversation.updated':
        if (!known || known.lastSeq <= event.conversation.lastSeq) this.#put(event.conversation)
        else this.stale.add(id)
        break
      case 'message.created':
        if (known) this.#put(this.#withMessage(known, event.message))
        else this.stale.add(id)
        break
      case 'participant.left':
        if (event.userId === this.me) {
          this.stale.delete(id)
          if (this.#known.delete(id)) this.#list = undefined
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
        if (event.type === 'message.deleted' && mayCount) this.stale.add(known.id)
        break
      }
      case 'reaction.added':
      case 'reaction.removed':
        if (lastMessage?.id !== event.messageId) break
        this.#put({ ...known, lastMessage: withReaction(lastMessage, event, event.userId === this.me) })
        break
      case 'receipt.updated':
        this.#receive(known, event)
    }
  }

  #receive(known: Conversation, receipt: Receipt): void {
    const { id, kind, lastMessage, lastSeq, readSeq } = known
    const isOwnRead = receipt.userId === this.me && receipt.kind === 'read' && receipt.seq > readSeq
    const isAll = receipt.seq >= lastSeq
    // How many lie between the mark and the end only the server knows. Notes to oneself are read by who has sent them.
    if ((isOwnRead && !isAll) || known.participantCount === 1) this.stale.add(id)
    this.#put({
      ...known,
      // In a group, messages do not tell who has read them.
      ...(kind === 'direct' && lastMessage && { lastMessage: withReceipt(lastMessage, receipt) }),
      ...(isOwnRead && isAll && { readSeq: receipt.seq, unreadCount: 0 }),
    })
  }

  /** A message that the answer had already is not counted twice: `lastSeq` tells. */
  #withMessage(known: Conversation, message: Message): Conversation {
    const { seq, senderId, deletedAt } = message
    if (seq <= known.lastSeq) return known
    const isMine = senderId === this.me
    const isUnread = !isMine && !deletedAt
    return {
      ...known,
      lastMessage: message,
      lastSeq: seq,
      // As the server does: whoever has read everything has read what they then say themselves.
      readSeq: isMine && known.readSeq === seq - 1 ? seq : known.readSeq,
      unreadCount: Math.min(MANY_UNREAD, known.unreadCount + (isUnread ? 1 : 0)),
      updatedAt: message.createdAt,
    }
  }

  #put(conversation: Conversation): void {
    if (this.#known.get(conversation.id) === conversation) return
    this.#known.set(conversation.id, conversation)
    this.#list = undefined
  }
}

/** As the server lists them. */
function byActivity(a: Conversation, b: Conversation): number {
  return b.updatedAt.getTime() - a.updatedAt.getTime() || (a.id < b.id ? 1 : -1)
}
