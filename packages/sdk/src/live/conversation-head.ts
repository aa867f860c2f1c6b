import type { Conversation, Event } from '@sotto/contract'

type ParticipantEvent = Extract<Event, { type: `participant.${string}` }>

/** What is known of the conversation itself: its name, who is in it, and whether one is. */
export class ConversationHead {
  /** Has to be asked for (again). */
  isStale = true
  #known: Conversation | undefined
  #hasLeft = false
  #step = 0

  /** As the server described it last, with what has happened to it since. */
  get known(): Conversation | undefined {
    return this.#known
  }

  get hasLeft(): boolean {
    return this.#hasLeft
  }

  /**
   * Asks, and hands the answer to `take`. What an event says meanwhile may be newer than the answer or older: it is
   * asked for again.
   */
  async ask<Answer>(question: () => Promise<Answer>, take: (answer: Answer) => void): Promise<void> {
    const asked = this.#step
    this.isStale = false
    try {
      take(await question())
      if (this.#step !== asked) this.isStale = true
    } catch (error) {
      this.isStale = true
      throw error
    }
  }

  put(conversation: Conversation): void {
    this.#known = conversation
    this.#hasLeft = false
  }

  /** What is unread up to the last message that is known of, as counted here. */
  putUnread(unreadCount: number): void {
    if (this.#known) this.#known = { ...this.#known, unreadCount }
  }

  /** One is not in it (any more). */
  leave(): void {
    this.#hasLeft = true
  }

  /** As an event has it. */
  putEvent(conversation: Conversation): void {
    this.#step += 1
    this.put(conversation)
  }

  /** @param me undefined while it is not known who one is. */
  apply(event: ParticipantEvent, me: string | undefined): void {
    this.#step += 1
    const { type, userId } = event
    if (type === 'participant.left' && userId === me) this.leave()
    else if (!this.#known || me === undefined || !this.#change(this.#known, event)) this.isStale = true
  }

  /** @returns false for what cannot be told from an event: who somebody is, and how many there are beyond those shown. */
  #change(known: Conversation, { type, userId, role }: ParticipantEvent): boolean {
    // Not all are shown, or they were counted and listed while somebody came or went.
    if (known.participants.length !== known.participantCount) return false
    const isThere = known.participants.some(({ user }) => user.id === userId)
    if (type === 'participant.left') {
      const participants = known.participants.filter(({ user }) => user.id !== userId)
      this.#known = { ...known, participants, participantCount: participants.length }
      return true
    }
    if (!isThere) return false
    this.#known = {
      ...known,
      participants: known.participants.map((one) => (one.user.id === userId ? { ...one, role } : one)),
    }
    return true
  }
}
