import { type EventRow, type Executor, findConversations, findStays, isWithin, type StayRow } from '@sotto/db'

/** How many stays are remembered, of all conversations together. */
const MAX_REMEMBERED = 100_000

type Members = ReadonlyMap<string, readonly StayRow[]>

/**
 * Whose an event is: those who were in the conversation when it happened and, where it speaks of a message, may
 * read that. The replay of missed events goes by the same rule, in SQL.
 */
export class Audience {
  readonly #db: Executor
  /** The two of a direct conversation, or the stays of a group by user. */
  readonly #known = new Map<string, readonly string[] | Members>()
  #size = 0

  constructor(db: Executor) {
    this.#db = db
  }

  /** To be called before `of` is asked about these rows. */
  async learn(rows: readonly EventRow[]): Promise<void> {
    for (const row of rows) {
      // What was known may be older than this. What is read now may be newer, which does no harm: stays say from
      // which event to which they last.
      if (row.type.startsWith('participant.')) this.#forget(row.conversation_id ?? '')
    }
    const ids = [...new Set(rows.flatMap((row) => row.conversation_id ?? []))]
    const unknown = ids.filter((id) => !this.#known.has(id))
    if (unknown.length === 0) return
    const conversations = await findConversations(this.#db, unknown)
    const groups = conversations.filter((one) => one.direct_key === null).map((one) => one.id)
    const stays = Map.groupBy(await findStays(this.#db, groups), (stay) => stay.conversation_id)
    if (this.#size > MAX_REMEMBERED) this.#forgetAllBut(ids)
    for (const { id, direct_key: key } of conversations) {
      const members =
        key === null ? Map.groupBy(stays.get(id) ?? [], (stay) => stay.user_id) : [...new Set(key.split(':'))]
      this.#known.set(id, members)
      this.#size += sizeOf(members)
    }
  }

  of(row: EventRow): readonly string[] {
    if (row.conversation_id === null) return row.audience_user_id === null ? [] : [row.audience_user_id]
    const members = this.#known.get(row.conversation_id ?? '')
    if (members === undefined) return []
    if (!(members instanceof Map)) return members as readonly string[]
    const userIds = row.audience_user_id === null ? [...members.keys()] : [row.audience_user_id]
    return userIds.filter((userId) => concerns(row, (members as Members).get(userId) ?? []))
  }

  /** To be called when rows were passed over that were not learned from: some of them may have been comings and goings. */
  forgetAll(): void {
    this.#known.clear()
    this.#size = 0
  }

  #forget(id: string): void {
    const members = this.#known.get(id)
    if (members === undefined) return
    this.#known.delete(id)
    this.#size -= sizeOf(members)
  }

  #forgetAllBut(ids: readonly string[]): void {
    const needed = new Set(ids)
    for (const id of [...this.#known.keys()]) if (!needed.has(id)) this.#forget(id)
  }
}

function concerns(row: EventRow, stays: readonly StayRow[]): boolean {
  const isThere = stays.some(
    (stay) => row.id >= stay.first_event_id && (stay.last_event_id === null || row.id <= stay.last_event_id),
  )
  if (!isThere || row.message_id === null) return isThere
  const spans = stays.map((stay) => ({ after: stay.after_seq, until: stay.until_seq ?? undefined }))
  return isWithin(spans, row.seq ?? 0)
}

function sizeOf(members: readonly string[] | Members): number {
  return members instanceof Map ? members.size + 1 : 1
}
