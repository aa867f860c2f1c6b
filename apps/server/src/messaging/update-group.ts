import type { Conversation } from '@sotto/contract'
import { store } from '@sotto/db'
import type { CallerContext } from '../app/context.ts'
import { requireConversation, viewerOf } from '../auth/access.ts'
import type { InputOf } from '../lib/operation-types.ts'
import { changeGroup, requireGroupAdmin } from './change-group.ts'
import { showConversation } from './show-conversations.ts'

/** Renames a group. */
export async function updateGroup(
  ctx: CallerContext,
  { conversationId, name }: InputOf<'conversations', 'update'>,
): Promise<Conversation> {
  await changeGroup(ctx, conversationId, 'group.renamed', async (change) => {
    requireGroupAdmin(change)
    const { trx, group, at, appendEvent } = change
    if (group.name === name) return
    const eventId = await appendEvent('conversation.updated', viewerOf(ctx))
    await store.conversations.rename(trx, group, name, { eventId, at })
  })
  const renamed = await requireConversation(ctx, conversationId)
  const shown = await showConversation(ctx.app, renamed, viewerOf(ctx))
  // The caller may have left the group after renaming it.
  if (!shown) throw new Error(`group ${conversationId} not found`)
  return shown
}
