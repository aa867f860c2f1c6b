import type { Conversation, Event } from '@sotto/contract'

type ParticipantEvent = Extract<Event, { type: `participant.${string}` }>

/** The conversation itself, without its messages: its name, its participants, and whether the user is one. */
export class ConversationHead {
  /** Whether it must be fetched (again). */
  isStale = true
  #known: Conversation | undefined
  #hasLeft = false
  #step = 0

  /** The last response of the server, with later events applied. */
  get known(): Conversation | undefined {
    return this.#known
  }

  get hasLeft(): boolean {
    return this.#hasLeft
  }

  /**
   * Fetches the conversation and passes the response to `apply`. Events that arrive in between may be newer or older
   * than the response, so it is then marked as stale.
   */
  async fetch<Result>(request: () => Promise<Result>, apply: (response: Result) => void): Promise<void> {
    const requestedAt = this.#step
    this.isStale = false
    try {
      apply(await request())
      if (this.#step !== requestedAt) this.isStale = true
    } catch (error) {
      this.isStale = true
      throw error
    }
  }

  put(conversation: Conversation): void {
    this.#known = conversation
    this.#hasLeft = false
  }

  /** Sets the unread count up to the last known message, as counted by the client. */
  putUnread(unreadCount: number): void {
    if (this.#known) this.#known = { ...this.#known, unreadCount }
  }

  /** Records that the user is not, or no longer, a participant. */
  leave(): void {
    this.#hasLeft = true
  }

  /** Applies the conversation in an event. */
  putEvent(conversation: Conversation): void {
    this.#step += 1
    this.put(conversation)
  }

  /** @param me undefined until the user's id is known */
  apply(event: ParticipantEvent, me: string | undefined): void {
    this.#step += 1
    const { type, userId } = event
    if (type === 'participant.left' && userId === me) this.leave()
    else if (!this.#known || me === undefined || !this.#change(this.#known, event)) this.isStale = true
  }

  /**
   * @returns false if the event does not say enough: who a new participant is, or who else there is beyond those
   * listed.
   */
  #change(known: Conversation, { type, userId, role }: ParticipantEvent): boolean {
    // Not all participants are listed, or the list and the count were read at different times.
    if (known.participants.length !== known.participantCount) return false
    const isKnown = known.participants.some(({ user }) => user.id === userId)
    if (type === 'participant.left') {
      const participants = known.participants.filter(({ user }) => user.id !== userId)
      this.#known = { ...known, participants, participantCount: participants.length }
      return true
    }
    if (!isKnown) return false
    this.#known = {
      ...known,
      participants: known.participants.map((participant) =>
        participant.user.id === userId ? { ...participant, role } : participant,
      ),
    }
    return true
  }
}
