import type { Event, Message } from '@sotto/contract'
import type { ReadMark } from './live-state.ts'

type Receipt = Extract<Event, { type: 'receipt.updated' }>

/** The read marks of all participants. */
export class ReadMarks {
  /** Whether the marks of the others must be fetched (again). */
  isStale = true
  /** Whether the user's mark may have moved backward, as after a restore. */
  isOwnStale = false
  /** The user's mark according to the stream, which can lag behind the server's responses. */
  #streamed = 0
  #confirmed = 0
  #others = new Map<string, number>()
  #list: readonly ReadMark[] | undefined
  /** Changes that happened while a response was pending. */
  #changes: (() => void)[] | undefined

  get own(): number {
    return Math.max(this.#streamed, this.#confirmed)
  }

  /** The marks of the others. The same object until it changes. */
  get list(): readonly ReadMark[] {
    this.#list ??= Array.from(this.#others, ([userId, readSeq]) => ({ userId, readSeq }))
    return this.#list
  }

  /** Clears the user's mark. */
  resetOwn(): void {
    this.isOwnStale = false
    this.#streamed = 0
    this.#confirmed = 0
  }

  /** Sets the user's mark from a conversation or the stream. */
  putStreamed(seq: number): void {
    this.#streamed = Math.max(this.#streamed, seq)
  }

  /** Sets the user's mark from the server's response to a read. */
  putConfirmed(seq: number): void {
    this.#confirmed = Math.max(this.#confirmed, seq)
  }

  /** As on the server: a user who has read everything has also read their own next message. */
  putOwnMessage({ seq }: Message): void {
    if (this.#streamed === seq - 1) this.#streamed = seq
  }

  putReceipt({ userId, seq }: Receipt): void {
    this.#change(() => {
      const known = this.#others.get(userId) ?? 0
      // Marks never move backward, so either our derived mark was wrong or this receipt is late. Ask the server.
      if (seq < known) this.isStale = true
      else this.#set(userId, seq)
    })
  }

  putMessage({ senderId, seq }: Message): void {
    this.#change(() => {
      if (this.#others.get(senderId) === seq - 1) this.#set(senderId, seq)
    })
  }

  remove(userId: string): void {
    this.#change(() => {
      if (this.#others.delete(userId)) this.#list = undefined
    })
  }

  /** Fetches the marks of the others. Changes since the request are applied on top of the response. */
  async fetch(request: () => Promise<readonly ReadMark[]>): Promise<void> {
    const changes: (() => void)[] = []
    this.#changes = changes
    this.isStale = false
    try {
      const marks = await request()
      this.#others = new Map(marks.map(({ userId, readSeq }) => [userId, readSeq]))
      this.#list = undefined
      for (const change of changes) change()
    } catch (error) {
      this.isStale = true
      throw error
    } finally {
      this.#changes = undefined
    }
  }

  #change(change: () => void): void {
    change()
    this.#changes?.push(change)
  }

  #set(userId: string, seq: number): void {
    if (this.#others.get(userId) === seq) return
    this.#others.set(userId, seq)
    this.#list = undefined
  }
}
