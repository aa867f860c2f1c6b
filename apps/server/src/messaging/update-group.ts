import { type Conversation, SottoError } from '@sotto/contract'
import { store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { viewerOf } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { changeGroup, requireGroupAdmin } from './change-group.ts'
import { noteDelivered } from './note-delivered.ts'
import { showConversation } from './show-conversations.ts'

/** Renames a group. */
export async function updateGroup(
  ctx: CallerContext,
  { conversationId, name }: InputOf<'conversations', 'update'>,
): Promise<Conversation> {
  return changeGroup(ctx, conversationId, 'group.renamed', async (change) => {
    requireGroupAdmin(change)
    const { trx, group, at, appendEvent } = change
    if (group.name !== name) {
      const eventId = await appendEvent('conversation.updated', viewerOf(ctx))
      await store.conversations.rename(trx, group, name, { eventId, at })
    }
    // In the transaction: afterwards, the caller may have left the group.
    const shown = await showConversation(trx, { ...group, name }, viewerOf(ctx), (rows) =>
      noteDelivered(ctx, rows),
    )
    if (!shown) throw new SottoError('CONVERSATION_NOT_FOUND')
    return shown
  })
}
