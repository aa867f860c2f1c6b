import type { Event, Message } from '@sotto/contract'
import type { ReadMark } from './live-state.ts'

type Receipt = Extract<Event, { type: 'receipt.updated' }>

/** How far everybody in the conversation has read. */
export class ReadMarks {
  /** Those of the others have to be asked for (again). */
  isStale = true
  /** One's own mark may have gone back, as after a restore. */
  isOwnStale = false
  /** One's own mark as the stream tells it, which is behind what the server has already answered. */
  #told = 0
  #answered = 0
  #others = new Map<string, number>()
  #list: readonly ReadMark[] | undefined
  /** What happened while an answer was awaited. */
  #meanwhile: (() => void)[] | undefined

  get own(): number {
    return Math.max(this.#told, this.#answered)
  }

  /** Of the others, the same object until something changes. */
  get list(): readonly ReadMark[] {
    this.#list ??= Array.from(this.#others, ([userId, readSeq]) => ({ userId, readSeq }))
    return this.#list
  }

  /** Forgets one's own mark. */
  resetOwn(): void {
    this.isOwnStale = false
    this.#told = 0
    this.#answered = 0
  }

  /** One's own mark as the conversation has it, or as the stream tells it. */
  putTold(seq: number): void {
    this.#told = Math.max(this.#told, seq)
  }

  /** One's own mark as the server has answered it. */
  putAnswered(seq: number): void {
    this.#answered = Math.max(this.#answered, seq)
  }

  /** As the server does: whoever has read everything has read what they then say themselves. */
  putOwnMessage({ seq }: Message): void {
    if (this.#told === seq - 1) this.#told = seq
  }

  putReceipt({ userId, seq }: Receipt): void {
    this.#happen(() => {
      const known = this.#others.get(userId) ?? 0
      // Marks never go back: what was made of a message was wrong, or this comes late. The server knows.
      if (seq < known) this.isStale = true
      else this.#set(userId, seq)
    })
  }

  putMessage({ senderId, seq }: Message): void {
    this.#happen(() => {
      if (this.#others.get(senderId) === seq - 1) this.#set(senderId, seq)
    })
  }

  remove(userId: string): void {
    this.#happen(() => {
      if (this.#others.delete(userId)) this.#list = undefined
    })
  }

  /** Asks for those of the others; what happened since the question comes on top of the answer. */
  async ask(question: () => Promise<readonly ReadMark[]>): Promise<void> {
    const meanwhile: (() => void)[] = []
    this.#meanwhile = meanwhile
    this.isStale = false
    try {
      const marks = await question()
      this.#others = new Map(marks.map(({ userId, readSeq }) => [userId, readSeq]))
      this.#list = undefined
      for (const happen of meanwhile) happen()
    } catch (error) {
      this.isStale = true
      throw error
    } finally {
      this.#meanwhile = undefined
    }
  }

  #happen(change: () => void): void {
    change()
    this.#meanwhile?.push(change)
  }

  #set(userId: string, seq: number): void {
    if (this.#others.get(userId) === seq) return
    this.#others.set(userId, seq)
    this.#list = undefined
  }
}
