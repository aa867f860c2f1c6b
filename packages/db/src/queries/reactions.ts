import type { Executor } from '../statement.ts'

/** [emoji, count] in order of first use. */
export type ReactionCounts = [emoji: string, count: number][]

export function parseReactions(json: string | null): ReactionCounts {
  return json === null ? [] : (JSON.parse(json) as ReactionCounts)
}

interface ReactionKey {
  messageId: string
  userId: string
  emoji: string
}

/** @returns false if the reaction existed already. */
export async function insert(trx: Executor, reaction: ReactionKey, at: Date): Promise<boolean> {
  const inserted = await trx
    .insertInto('reactions')
    .values({
      message_id: reaction.messageId,
      user_id: reaction.userId,
      emoji: reaction.emoji,
      created_at: at,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('emoji')
    .executeTakeFirst()
  return inserted !== undefined
}

/** @returns false if the reaction did not exist. */
export async function remove(trx: Executor, reaction: ReactionKey): Promise<boolean> {
  const deleted = await trx
    .deleteFrom('reactions')
    .where('message_id', '=', reaction.messageId)
    .where('user_id', '=', reaction.userId)
    .where('emoji', '=', reaction.emoji)
    .returning('emoji')
    .executeTakeFirst()
  return deleted !== undefined
}

export async function updateCounts(trx: Executor, messageId: string, counts: ReactionCounts): Promise<void> {
  await trx
    .updateTable('messages')
    .set({ reactions: counts.length === 0 ? null : JSON.stringify(counts) })
    .where('id', '=', messageId)
    .execute()
}
