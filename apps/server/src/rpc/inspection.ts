import { contract } from '@sotto/contract'
import {
  inspectConversation,
  inspectConversations,
  inspectMessages,
} from '../inspection/inspect-conversations.ts'
import { query, router } from './trpc.ts'

const { inspection } = contract

export const inspectionRouter = router({
  conversations: query(inspection.conversations, inspectConversations),
  conversation: query(inspection.conversation, inspectConversation),
  messages: query(inspection.messages, inspectMessages),
})
