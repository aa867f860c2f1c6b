import type { Message } from '@sotto/contract'
import type { ReactionEvent, Receipt } from './message-changes.ts'
import { isSame, newer, withReaction, withReceipt } from './message-changes.ts'

/** A message that the server has. */
export interface SentMessage extends Message {
  readonly status: 'sent'
  /** Sent by the user whom the view is for. */
  readonly isMine: boolean
}

/**
 * Messages of one conversation, by their seq: all that its reader may read between the first and the last, wherever in
 * the conversation that is.
 *
 * They come as snapshots from two sides: events, in their order, and answers, which say how things stood at some
 * time between the question and the answer. What an event has touched meanwhile is not overwritten by an answer,
 * but noted as stale, to be asked for again; so the window ends up as the server has it.
 */
export class MessageWindow {
  /** The seqs of messages that may no longer be as the server has them. */
  readonly stale = new Set<number>()
  #follows = true
  readonly #messages = new Map<number, SentMessage>()
  readonly #seqs = new Map<string, number>()
  readonly #isMine: (message: Message) => boolean
  /** When, in steps, a message was last touched by an event; kept while an answer is awaited. */
  readonly #touched = new Map<string, number>()
  #receipts: { receipt: Receipt; step: number }[] = []
  #allTouched = 0
  #step = 0
  #awaited = 0
  #first = 1
  #last = 0
  #list: readonly SentMessage[] | undefined

  constructor(isMine: (message: Message) => boolean) {
    this.#isMine = isMine
  }

  /** From here on nothing is missing; one more than `last` when nothing is here. */
  get first(): number {
    return this.#first
  }

  /** Up to here nothing is missing. The message itself may be one that is not for the reader. */
  get last(): number {
    return this.#last
  }

  /** Whether it stands at the end of the conversation, and takes in what comes after its last message. */
  get follows(): boolean {
    return this.#follows
  }

  /** How many messages are here. */
  get size(): number {
    return this.#messages.size
  }

  /** In the order of seq. The same object until something changes. */
  get list(): readonly SentMessage[] {
    this.#list ??= [...this.#messages.values()].sort((a, b) => a.seq - b.seq)
    return this.#list
  }

  find(messageId: string): SentMessage | undefined {
    return this.#messages.get(this.#seqs.get(messageId) ?? 0)
  }

  has(seq: number): boolean {
    return seq >= this.#first && seq <= this.#last
  }

  /** Forgets everything, to stand before this seq, for `cover` to say what is around it. */
  restart(seq: number): void {
    this.#messages.clear()
    this.#seqs.clear()
    this.stale.clear()
    this.#first = seq
    this.#last = seq - 1
    this.#follows = false
    this.#list = undefined
  }

  /** There is nothing beyond the last message, or it comes to be known. */
  follow(): void {
    this.#follows = true
  }

  /** Stays where it is, whatever comes. */
  stay(): void {
    this.#follows = false
  }

  /** Forgets the oldest messages beyond so many. */
  keepNewest(count: number): void {
    const dropped = this.list.slice(0, -count)
    this.#first = (dropped.at(-1)?.seq ?? this.#first - 1) + 1
    this.#drop(dropped)
  }

  /** Forgets the newest messages beyond so many, and does not follow any more. */
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
   * What an answer has from one seq to another is all there is: numbers that it leaves out are those of messages that
   * the reader may not read. It has to join what is here.
   */
  cover(from: number, to: number): void {
    this.#first = Math.min(this.#first, from)
    this.#last = Math.max(this.#last, to)
  }

  /**
   * Asks, and hands the answer to `take` with what puts its messages in. Answers that fail put nothing in.
   */
  async ask<Answer>(
    question: () => Promise<Answer>,
    take: (answer: Answer, put: (message: Message) => void) => void,
  ): Promise<Answer> {
    const asked = this.#step
    this.#awaited += 1
    try {
      const answer = await question()
      take(answer, (message) => this.#putAnswer(message, asked))
      return answer
    } finally {
      this.#awaited -= 1
      if (this.#awaited === 0) {
        this.#touched.clear()
        this.#receipts = []
      }
    }
  }

  /** A message as an event has it. One that does not join the others is left out. */
  putEvent(message: Message): void {
    this.touch(message.id)
    const known = this.#messages.get(message.seq)
    if (!known || known.id !== message.id) this.#put(message)
    else this.#put(newer(known, message))
  }

  /** As an event has it. `isByMe`: the reaction that it is about is, or was, the reader's own. */
  putReaction(event: ReactionEvent, isByMe: boolean): void {
    this.touch(event.messageId)
    const known = this.find(event.messageId)
    if (known) this.#replace(known, withReaction(known, event, isByMe))
  }

  /** Nothing is known to be as the server has it. */
  markAllStale(): void {
    this.#step += 1
    this.#allTouched = this.#step
    for (const seq of this.#messages.keys()) this.stale.add(seq)
  }

  putReceipt(receipt: Receipt): void {
    this.#step += 1
    if (this.#awaited > 0) this.#receipts.push({ receipt, step: this.#step })
    for (const message of this.#messages.values()) this.#replace(message, withReceipt(message, receipt))
  }

  #putAnswer(message: Message, asked: number): void {
    const touched = Math.max(this.#touched.get(message.id) ?? 0, this.#allTouched)
    const known = this.#messages.get(message.seq)
    if (touched > asked && known) {
      if (!isSame(known, message)) this.stale.add(message.seq)
      return
    }
    let put = message
    for (const { receipt, step } of this.#receipts) if (step > asked) put = withReceipt(put, receipt)
    const before = this.#messages.get(message.seq)
    if (!this.#put(put)) return
    // Of two answers that were awaited at once nobody knows which one is newer.
    if (this.#messages.get(message.seq) !== before) this.touch(message.id)
    if (touched > asked) this.stale.add(message.seq)
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
    this.#messages.set(message.seq, { ...message, status: 'sent', isMine })
    this.#list = undefined
  }

  /** Something has happened to a message, which may be here or not. */
  touch(messageId: string): void {
    this.#step += 1
    if (this.#awaited > 0) this.#touched.set(messageId, this.#step)
  }
}
