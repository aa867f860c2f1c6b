import type { Message } from '@sotto/contract'
import type { ReactionEvent, Receipt } from './message-changes.ts'
import { isSame, newer, withReaction, withReceipt } from './message-changes.ts'

/** A message that the server has. */
export interface SentMessage extends Message {
  readonly status: 'sent'
  /** Whether the user sent it. */
  readonly isMine: boolean
  /** The same as before the user's own message was sent, unlike its id. For lists, such as React's. */
  readonly key: string
}

/**
 * A range of messages of a conversation, by seq: everything the user can read between the first and the last.
 *
 * Messages arrive in events, which are in order, and in responses, which reflect some time between request and
 * response. If an event has changed a message since the request, the response does not overwrite it. Instead the
 * message is marked as stale and fetched again, so the window converges to the server's state.
 */
export class MessageWindow {
  /** The seqs of messages that may be outdated. */
  readonly stale = new Set<number>()
  #follows = true
  readonly #messages = new Map<number, SentMessage>()
  readonly #seqs = new Map<string, number>()
  readonly #isMine: (message: Message) => boolean
  /** The step at which an event last changed a message. Kept while a response is pending. */
  readonly #touched = new Map<string, number>()
  #receipts: { receipt: Receipt; step: number }[] = []
  #allTouched = 0
  #step = 0
  #pending = 0
  #first = 1
  #last = 0
  #list: readonly SentMessage[] | undefined

  constructor(isMine: (message: Message) => boolean) {
    this.#isMine = isMine
  }

  /** The first seq covered. Equals `last` + 1 if the window is empty. */
  get first(): number {
    return this.#first
  }

  /** The last seq covered. The user may not be able to read that message itself. */
  get last(): number {
    return this.#last
  }

  /** Whether it is at the end of the conversation and new messages are added. */
  get follows(): boolean {
    return this.#follows
  }

  /** The number of messages in the window. */
  get size(): number {
    return this.#messages.size
  }

  /** By seq. The same object until it changes. */
  get list(): readonly SentMessage[] {
    this.#list ??= [...this.#messages.values()].sort((a, b) => a.seq - b.seq)
    return this.#list
  }

  /** In any order. Cheaper than `list` while messages are changing. */
  values(): Iterable<SentMessage> {
    return this.#messages.values()
  }

  find(messageId: string): SentMessage | undefined {
    return this.#messages.get(this.#seqs.get(messageId) ?? 0)
  }

  has(seq: number): boolean {
    return seq >= this.#first && seq <= this.#last
  }

  /** Clears the window and positions it before this seq. `cover` then extends it. */
  restart(seq: number): void {
    this.#messages.clear()
    this.#seqs.clear()
    this.stale.clear()
    this.#first = seq
    this.#last = seq - 1
    this.#follows = false
    this.#list = undefined
  }

  /** Starts following: everything after the last message will be added. */
  follow(): void {
    this.#follows = true
  }

  /** Stops following. */
  stay(): void {
    this.#follows = false
  }

  /** Drops the oldest messages beyond `count`. */
  keepNewest(count: number): void {
    const dropped: SentMessage[] = []
    // Does not sort the messages, because this runs for each new message once the window is full.
    while (this.#messages.size - dropped.length > count) {
      const message = this.#messages.get(this.#first)
      if (message) dropped.push(message)
      this.#first += 1
    }
    this.#drop(dropped)
  }

  /** Drops the newest messages beyond `count` and stops following. */
  keepOldest(count: number): void {
    const dropped = this.list.slice(count)
    this.#last = (dropped[0]?.seq ?? this.#last + 1) - 1
    this.#follows = false
    this.#drop(dropped)
  }

  #drop(messages: readonly SentMessage[]): void {
    for (const { seq, id } of messages) {
      this.#messages.delete(seq)
      this.#seqs.delete(id)
      this.stale.delete(seq)
    }
    this.#list = undefined
  }

  /**
   * Extends the range that the window covers. A response contains everything the user can read in it. Must adjoin the
   * current range.
   */
  cover(from: number, to: number): void {
    this.#first = Math.min(this.#first, from)
    this.#last = Math.max(this.#last, to)
  }

  /**
   * Sends a request and passes the response to `apply`, with a function that adds its messages. Adds nothing on
   * failure.
   */
  async fetch<Result>(
    request: () => Promise<Result>,
    apply: (response: Result, put: (message: Message) => void) => void,
  ): Promise<Result> {
    const requestedAt = this.#step
    this.#pending += 1
    try {
      const response = await request()
      apply(response, (message) => this.#putResponse(message, requestedAt))
      return response
    } finally {
      this.#pending -= 1
      if (this.#pending === 0) {
        this.#touched.clear()
        this.#receipts = []
      }
    }
  }

  /** Applies the message in an event. Ignores a message that does not adjoin the window. */
  putEvent(message: Message): void {
    this.touch(message.id)
    const known = this.#messages.get(message.seq)
    if (!known || known.id !== message.id) this.#put(message)
    else this.#put(newer(known, message))
  }

  /** Applies a reaction event. `isByMe` is whether it is the user's own reaction. */
  putReaction(event: ReactionEvent, isByMe: boolean): void {
    this.touch(event.messageId)
    const known = this.find(event.messageId)
    if (known) this.#replace(known, withReaction(known, event, isByMe))
  }

  /** Marks all messages as possibly outdated. */
  markAllStale(): void {
    this.#step += 1
    this.#allTouched = this.#step
    for (const seq of this.#messages.keys()) this.stale.add(seq)
  }

  putReceipt(receipt: Receipt): void {
    this.#step += 1
    if (this.#pending > 0) this.#receipts.push({ receipt, step: this.#step })
    for (const message of this.#messages.values()) this.#replace(message, withReceipt(message, receipt))
  }

  #putResponse(message: Message, requestedAt: number): void {
    const touched = Math.max(this.#touched.get(message.id) ?? 0, this.#allTouched)
    const known = this.#messages.get(message.seq)
    if (touched > requestedAt && known) {
      if (!isSame(known, message)) this.stale.add(message.seq)
      return
    }
    let put = message
    for (const { receipt, step } of this.#receipts) if (step > requestedAt) put = withReceipt(put, receipt)
    const before = this.#messages.get(message.seq)
    if (!this.#put(put)) return
    // If two requests overlap, it is unknown which response is newer.
    if (this.#messages.get(message.seq) !== before) this.touch(message.id)
    if (touched > requestedAt) this.stale.add(message.seq)
    else this.stale.delete(message.seq)
  }

  #put(message: Message): boolean {
    const { seq } = message
    if (!this.has(seq) && !(this.#follows && seq === this.#last + 1)) return false
    const known = this.#messages.get(seq)
    if (known && known.id !== message.id) this.#seqs.delete(known.id)
    this.#last = Math.max(this.#last, seq)
    this.#seqs.set(message.id, seq)
    this.#replace(known, message)
    return true
  }

  #replace(known: SentMessage | undefined, message: Message): void {
    const isMine = this.#isMine(message)
    if (known && known.isMine === isMine && isSame(known, message)) return
    const key =
      known?.id === message.id ? known.key : ((isMine ? message.clientMessageId : null) ?? message.id)
    this.#messages.set(message.seq, { ...message, status: 'sent', isMine, key })
    this.#list = undefined
  }

  /** Records that an event has changed a message, in the window or not. */
  touch(messageId: string): void {
    this.#step += 1
    if (this.#pending > 0) this.#touched.set(messageId, this.#step)
  }
}
