import type { ConversationTarget } from '@sotto/sdk'
import { useViews } from './sotto-provider.tsx'
import type { SharedConversation } from './views.ts'

/** The same one for all components that name the conversation alike. */
export function useSharedConversation(target: ConversationTarget): SharedConversation {
  return useViews().conversation(target)
}
