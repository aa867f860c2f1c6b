import { and, desc, eq, lt, ne, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { conversations, messages, participants, users } from './stack-schema.ts'

export type Database = NodePgDatabase
type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

export type Message = typeof messages.$inferSelect

export interface Sent {
  message: Message
  participantIds: string[]
}

/** One transaction per message. @returns undefined if the conversation or the recipient does not exist. */
export function sendMessage(
  db: Database,
  senderId: string,
  target: { conversationId?: string | undefined; to?: string | undefined },
  text: string,
): Promise<Sent | undefined> {
  return db.transaction(async (tx) => {
    const found =
      target.conversationId === undefined
        ? await openDirect(tx, senderId, target.to ?? '')
        : await findConversation(tx, senderId, target.conversationId)
    if (!found) return undefined
    const { conversationId, participantIds } = found
    const [updated] = await tx
      .update(conversations)
      .set({ lastSeq: sql`${conversations.lastSeq} + 1`, updatedAt: sql`now()` })
      .where(eq(conversations.id, sql.placeholder('conversationId')))
      .returning({ seq: conversations.lastSeq })
      .prepare('next_seq')
      .execute({ conversationId })
    if (!updated) return undefined
    const [message] = await tx
      .insert(messages)
      .values({
        conversationId: sql.placeholder('conversationId'),
        seq: sql.placeholder('seq'),
        senderId: sql.placeholder('senderId'),
        text: sql.placeholder('text'),
      })
      .returning()
      .prepare('insert_message')
      .execute({ conversationId, seq: updated.seq, senderId, text })
    if (!message) return undefined
    await tx
      .update(participants)
      .set({ unreadCount: sql`${participants.unreadCount} + 1` })
      .where(
        and(
          eq(participants.conversationId, sql.placeholder('conversationId')),
          ne(participants.userId, sql.placeholder('senderId')),
        ),
      )
      .prepare('count_unread')
      .execute({ conversationId, senderId })
    return { message, participantIds }
  })
}

interface Found {
  conversationId: string
  participantIds: string[]
}

async function findConversation(
  tx: Transaction,
  userId: string,
  conversationId: string,
): Promise<Found | undefined> {
  const rows = await tx
    .select({ userId: participants.userId })
    .from(participants)
    .where(eq(participants.conversationId, sql.placeholder('conversationId')))
    .prepare('find_participants')
    .execute({ conversationId })
  const participantIds = rows.map((row) => row.userId)
  return participantIds.includes(userId) ? { conversationId, participantIds } : undefined
}

async function openDirect(tx: Transaction, userId: string, username: string): Promise<Found | undefined> {
  const [recipient] = await tx
    .select({ id: users.id })
    .from(users)
    .where(eq(users.username, sql.placeholder('username')))
    .prepare('find_user')
    .execute({ username })
  if (!recipient) return undefined
  const participantIds = [userId, recipient.id].sort()
  const directKey = participantIds.join(':')
  const known = await findDirect(tx, directKey)
  if (known) return { conversationId: known.id, participantIds }
  const [created] = await tx
    .insert(conversations)
    .values({ directKey: sql.placeholder('directKey') })
    .onConflictDoNothing()
    .returning({ id: conversations.id })
    .prepare('create_direct')
    .execute({ directKey })
  if (!created) {
    // Created by a concurrent first message, which has been committed by now.
    const other = await findDirect(tx, directKey)
    return other && { conversationId: other.id, participantIds }
  }
  await tx
    .insert(participants)
    .values([
      { conversationId: sql.placeholder('conversationId'), userId: sql.placeholder('first') },
      { conversationId: sql.placeholder('conversationId'), userId: sql.placeholder('second') },
    ])
    .prepare('add_participants')
    .execute({ conversationId: created.id, first: participantIds[0], second: participantIds[1] })
  return { conversationId: created.id, participantIds }
}

async function findDirect(tx: Transaction, directKey: string): Promise<{ id: string } | undefined> {
  const [row] = await tx
    .select({ id: conversations.id })
    .from(conversations)
    .where(eq(conversations.directKey, sql.placeholder('directKey')))
    .prepare('find_direct')
    .execute({ directKey })
  return row
}

/** The statements of a page, prepared once. */
export function preparePages(db: Database) {
  const membership = db
    .select({ userId: participants.userId })
    .from(participants)
    .where(
      and(
        eq(participants.conversationId, sql.placeholder('conversationId')),
        eq(participants.userId, sql.placeholder('userId')),
      ),
    )
    .prepare('find_membership')
  const page = db
    .select()
    .from(messages)
    .where(
      and(
        eq(messages.conversationId, sql.placeholder('conversationId')),
        lt(messages.seq, sql.placeholder('before')),
      ),
    )
    .orderBy(desc(messages.seq))
    .limit(sql.placeholder('limit'))
    .prepare('page')
  return async (userId: string, conversationId: string, before: number, limit: number) => {
    const [member] = await membership.execute({ conversationId, userId })
    return member && page.execute({ conversationId, before, limit })
  }
}
