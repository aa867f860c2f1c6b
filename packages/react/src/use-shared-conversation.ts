import type { ConversationTarget } from '@sotto/sdk'
import { useViews } from './sotto-provider.tsx'
import type { SharedConversation } from './views.ts'

/** One shared view for all components with the same target. */
export function useSharedConversation(target: ConversationTarget): SharedConversation {
  return useViews().conversation(target)
}
