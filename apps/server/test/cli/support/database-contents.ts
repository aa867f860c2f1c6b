import type { LogType } from '@sotto/contract'
import { openDatabase } from '@sotto/db'

interface Message {
  id: string
  conversation_id: string
  seq: number
  sender_id: string
  recipient_id: string | null
  kind: string
  text: string | null
  media: string | null
  reactions: string | null
  created_at: Date
  edited_at: Date | null
  deleted_at: Date | null
}

/** All rows about users, conversations and messages, in a fixed order. */
export async function readContents(url: string) {
  await using database = await openDatabase({ url, poolSize: 1 })
  const { db } = database
  return {
    users: await db.selectFrom('users').selectAll().orderBy('id').execute(),
    conversations: await db.selectFrom('conversations').selectAll().orderBy('id').execute(),
    participants: await db
      .selectFrom('participants')
      .selectAll()
      .orderBy('conversation_id')
      .orderBy('user_id')
      .execute(),
    messages: await db.selectFrom('messages').selectAll().orderBy('conversation_id').orderBy('seq').execute(),
    edits: await db
      .selectFrom('message_edits')
      .selectAll()
      .orderBy('message_id')
      .orderBy('version')
      .execute(),
    reactions: await db
      .selectFrom('reactions')
      .selectAll()
      .orderBy('message_id')
      .orderBy('user_id')
      .orderBy('emoji')
      .execute(),
    receipts: await db
      .selectFrom('receipts')
      .selectAll()
      .orderBy('conversation_id')
      .orderBy('user_id')
      .orderBy('kind')
      .orderBy('seq')
      .execute(),
    events: await db
      .selectFrom('events')
      .select(['type', 'conversation_id', 'user_id', 'message_id', 'seq', 'detail', 'created_at'])
      .orderBy('id')
      .execute(),
  }
}

export type DatabaseContents = Awaited<ReturnType<typeof readContents>>

/**
 * Returns one line per inconsistency. Recomputes all derived columns from the messages and compares them, and the
 * event log, with the stored ones.
 */
export function inconsistencies(contents: DatabaseContents): string[] {
  const problems: string[] = []
  function expectSame(what: string, actual: unknown, expected: unknown): void {
    const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
    if (found !== wanted) problems.push(`${what} is ${found}, should be ${wanted}`)
  }
  const messagesOf = Map.groupBy(contents.messages, (message) => message.conversation_id)
  const membersOf = Map.groupBy(contents.participants, (member) => member.conversation_id)
  const receiptsOf = Map.groupBy(
    contents.receipts,
    (receipt) => `${receipt.conversation_id} ${receipt.user_id}`,
  )

  for (const conversation of contents.conversations) {
    const of = `of conversation ${conversation.id}`
    const messages = messagesOf.get(conversation.id) ?? []
    const members = membersOf.get(conversation.id) ?? []
    const [first, last] = [messages[0], messages.at(-1)]
    expectSame(
      `seqs ${of}`,
      messages.map((message) => message.seq),
      messages.map((_, index) => index + 1),
    )
    expectSame(`last_seq ${of}`, conversation.last_seq, messages.length)
    expectSame(`updated_at ${of}`, conversation.updated_at, last?.created_at)
    expectSame(`created_at ${of}`, conversation.created_at, first?.created_at)
    const memberIds = members.map((member) => member.user_id)
    expectSame(`direct_key ${of}`, conversation.direct_key, [memberIds[0], memberIds.at(-1)].join(':'))
    for (const [index, message] of messages.entries()) {
      const before = messages[index - 1]
      if (before && before.created_at > message.created_at) problems.push(`time goes back at ${message.id}`)
      const other = memberIds.find((id) => id !== message.sender_id) ?? message.sender_id
      expectSame(`recipient of ${message.id}`, message.recipient_id, other)
      if (!memberIds.includes(message.sender_id))
        problems.push(`the sender of ${message.id} is not a participant`)
    }
    for (const member of members) {
      const who = `of ${member.user_id} in ${conversation.id}`
      const own = messages.filter((message) => message.sender_id === member.user_id)
      const unread = messages.filter(
        (message) =>
          message.sender_id !== member.user_id &&
          message.seq > member.read_seq &&
          message.deleted_at === null,
      )
      const receipts = receiptsOf.get(`${conversation.id} ${member.user_id}`) ?? []
      const upTo = (kind: string) => receipts.findLast((receipt) => receipt.kind === kind)?.seq ?? 0
      expectSame(`sent_count ${who}`, member.sent_count, own.length)
      expectSame(
        `unread ${who}`,
        conversation.last_seq - member.read_seq - member.skipped_count,
        unread.length,
      )
      expectSame(`active_at ${who}`, member.active_at, last?.created_at)
      expectSame(`joined_at ${who}`, member.joined_at, conversation.created_at)
      expectSame(`delivered_seq ${who}`, member.delivered_seq, upTo('delivered'))
      if (member.read_seq > conversation.last_seq || member.read_seq < upTo('read')) {
        problems.push(`read_seq ${who} is ${member.read_seq}`)
      }
      // After the last receipt, only the user's own messages move the read mark.
      const unreceipted = messages.slice(upTo('read'), member.read_seq)
      if (unreceipted.some((message) => message.sender_id !== member.user_id)) {
        problems.push(`read_seq ${who} has no receipt`)
      }
      if (upTo('read') > member.delivered_seq) problems.push(`read_seq ${who} is greater than delivered_seq`)
    }
  }
  checkContents(contents, expectSame)
  checkEvents(contents, expectSame, problems)
  return problems
}

type ExpectSame = (what: string, actual: unknown, expected: unknown) => void

function checkContents(contents: DatabaseContents, expectSame: ExpectSame): void {
  const reactionsOf = Map.groupBy(contents.reactions, (reaction) => reaction.message_id)
  const editsOf = Map.groupBy(contents.edits, (edit) => edit.message_id)
  for (const message of contents.messages) {
    const counts = new Map<string, number>()
    for (const { emoji } of reactionsOf.get(message.id) ?? []) counts.set(emoji, (counts.get(emoji) ?? 0) + 1)
    const stored = message.reactions === null ? [] : (JSON.parse(message.reactions) as [string, number][])
    expectSame(`reactions of ${message.id}`, stored.toSorted(), [...counts].toSorted())
    expectSame(`media of ${message.id}`, message.media !== null, hasMedia(message))
    const edits = editsOf.get(message.id) ?? []
    if (message.deleted_at !== null) {
      expectSame(`the tombstone ${message.id}`, [message.text, counts.size, edits.length], [null, 0, 0])
      continue
    }
    expectSame(`edited_at of ${message.id}`, message.edited_at, edits.at(-1)?.replaced_at ?? null)
    if (message.kind === 'text' && !message.text?.trim())
      expectSame(`text of ${message.id}`, message.text, 'a text')
  }
}

function hasMedia(message: Message): boolean {
  return message.kind !== 'text' && message.deleted_at === null
}

function checkEvents(contents: DatabaseContents, expectSame: ExpectSame, problems: string[]): void {
  const byType = Map.groupBy(contents.events, (event) => event.type)
  const of = (type: LogType) => byType.get(type) ?? []
  const inOrder = (rows: readonly (readonly unknown[])[]) => rows.map((row) => JSON.stringify(row)).toSorted()

  for (const [id, events] of Map.groupBy(contents.events, (event) => event.conversation_id)) {
    if (
      events.some((event, index) => index > 0 && event.created_at < (events[index - 1] ?? event).created_at)
    ) {
      problems.push(`the log of ${id} goes back in time`)
    }
  }
  const createdIn = Map.groupBy(of('message.created'), (event) => event.conversation_id)
  for (const [id, events] of createdIn) {
    expectSame(
      `the log of ${id}`,
      events.map((event) => event.seq),
      events.map((_, index) => index + 1),
    )
  }
  expectSame(
    'message.created',
    inOrder(
      of('message.created').map((event) => [event.message_id, event.user_id, event.seq, event.created_at]),
    ),
    inOrder(
      contents.messages.map((message) => [message.id, message.sender_id, message.seq, message.created_at]),
    ),
  )
  expectSame(
    'conversation.created',
    inOrder(of('conversation.created').map((event) => [event.conversation_id, event.seq, event.created_at])),
    inOrder(contents.conversations.map((conversation) => [conversation.id, 0, conversation.created_at])),
  )
  for (const kind of ['delivered', 'read'] as const) {
    expectSame(
      `receipt.${kind}`,
      inOrder(
        of(`receipt.${kind}`).map((event) => [
          event.conversation_id,
          event.user_id,
          event.seq,
          event.created_at,
        ]),
      ),
      inOrder(
        contents.receipts
          .filter((receipt) => receipt.kind === kind)
          .map((receipt) => [receipt.conversation_id, receipt.user_id, receipt.seq, receipt.receipt_at]),
      ),
    )
  }
  const deleted = new Map(
    contents.messages.flatMap((message) => (message.deleted_at ? [[message.id, message.deleted_at]] : [])),
  )
  expectSame(
    'message.deleted',
    inOrder(of('message.deleted').map((event) => [event.message_id, event.created_at])),
    inOrder([...deleted]),
  )
  expectSame(
    'message.edited',
    inOrder(
      of('message.edited').flatMap((event) =>
        deleted.has(event.message_id ?? '') ? [] : [[event.message_id, event.created_at]],
      ),
    ),
    inOrder(contents.edits.map((edit) => [edit.message_id, edit.replaced_at])),
  )
  expectSame(
    'reaction.added',
    inOrder(
      of('reaction.added').flatMap((event) =>
        deleted.has(event.message_id ?? '')
          ? []
          : [[event.message_id, event.user_id, event.detail, event.created_at]],
      ),
    ),
    inOrder(
      contents.reactions.map((reaction) => [
        reaction.message_id,
        reaction.user_id,
        reaction.emoji,
        reaction.created_at,
      ]),
    ),
  )
}
