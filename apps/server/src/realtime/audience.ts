import { type EventRow, type Executor, isWithin, type StayRow, store } from '@sotto/db'

/** The maximum number of stays in the cache, over all conversations. */
const MAX_CACHED = 100_000

/** A log row and the users who may see it. */
export interface AddressedEvent {
  row: EventRow
  userIds: readonly string[]
}

interface Participants {
  userIds: readonly string[]
  /** Only for groups: no one leaves a direct conversation. */
  staysByUser: ReadonlyMap<string, readonly StayRow[]> | undefined
}

/**
 * Finds the users who may see an event: they were in the conversation when it happened and, if it is about a message,
 * may read that message. The replay of missed events applies the same rule in SQL.
 */
export class Audience {
  readonly #db: Executor
  readonly #byConversation = new Map<string, Participants>()
  #size = 0

  constructor(db: Executor) {
    this.#db = db
  }

  /** Batches must be passed in the order of the log, without gaps: they keep the cache up to date. */
  async resolve(rows: readonly EventRow[]): Promise<AddressedEvent[]> {
    for (const row of rows) {
      // The cached stays may be older than this row. Newer stays, read below, are harmless: they contain the ids of
      // their first and last events.
      if (row.type.startsWith('participant.')) this.#forget(row.conversation_id ?? '')
    }
    await this.#load(new Set(rows.flatMap((row) => row.conversation_id ?? [])))
    return rows.map((row) => ({ row, userIds: this.#usersOf(row) }))
  }

  /** Must be called when rows were skipped, because they may include changes of participants. */
  clear(): void {
    this.#byConversation.clear()
    this.#size = 0
  }

  async #load(ids: ReadonlySet<string>): Promise<void> {
    const missing = [...ids].filter((id) => !this.#byConversation.has(id))
    if (missing.length === 0) return
    const conversations = await store.conversations.findMany(this.#db, missing)
    const groupIds = conversations.filter((one) => one.direct_key === null).map((one) => one.id)
    const stays = Map.groupBy(
      await store.participants.findStays(this.#db, groupIds),
      (stay) => stay.conversation_id,
    )
    if (this.#size > MAX_CACHED) this.#forgetAllExcept(ids)
    for (const { id, direct_key: key } of conversations) {
      const participants = key === null ? participantsOfGroup(stays.get(id) ?? []) : participantsOfDirect(key)
      this.#byConversation.set(id, participants)
      this.#size += sizeOf(participants)
    }
  }

  #usersOf(row: EventRow): readonly string[] {
    const only = row.audience_user_id === null ? undefined : [row.audience_user_id]
    if (row.conversation_id === null) return only ?? []
    const participants = this.#byConversation.get(row.conversation_id)
    if (!participants) return []
    const { staysByUser } = participants
    const userIds = only ?? participants.userIds
    return staysByUser ? userIds.filter((userId) => isVisible(row, staysByUser.get(userId) ?? [])) : userIds
  }

  #forget(id: string): void {
    const participants = this.#byConversation.get(id)
    if (!participants) return
    this.#byConversation.delete(id)
    this.#size -= sizeOf(participants)
  }

  #forgetAllExcept(ids: ReadonlySet<string>): void {
    for (const id of [...this.#byConversation.keys()]) if (!ids.has(id)) this.#forget(id)
  }
}

function participantsOfGroup(stays: readonly StayRow[]): Participants {
  const staysByUser = Map.groupBy(stays, (stay) => stay.user_id)
  return { userIds: [...staysByUser.keys()], staysByUser }
}

function participantsOfDirect(key: string): Participants {
  return { userIds: [...new Set(key.split(':'))], staysByUser: undefined }
}

function isVisible(row: EventRow, stays: readonly StayRow[]): boolean {
  const isPresent = stays.some(
    (stay) => row.id >= stay.first_event_id && (stay.last_event_id === null || row.id <= stay.last_event_id),
  )
  if (!isPresent || row.message_id === null) return isPresent
  const spans = stays.map((stay) => ({ after: stay.after_seq, until: stay.until_seq ?? undefined }))
  return isWithin(spans, row.seq ?? 0)
}

function sizeOf({ staysByUser }: Participants): number {
  return staysByUser ? staysByUser.size + 1 : 1
}
