import { contract } from '@sotto/contract'
import { requireActor } from '../access.ts'
import { getConversation, getDirectConversation } from '../messaging/get-conversation.ts'
import { listDirectMessages, listMessagesOfConversation } from '../messaging/list-conversation-messages.ts'
import { listConversations } from '../messaging/list-conversations.ts'
import { markRead } from '../messaging/mark-read.ts'
import { sendMessage } from '../messaging/send-message.ts'
import { setTyping } from '../realtime/set-typing.ts'
import { mutation, query, router } from './trpc.ts'

const { conversations, direct } = contract

export const conversationsRouter = router({
  list: query(conversations.list, listConversations),
  get: query(conversations.get, getConversation),
  messages: query(conversations.messages, listMessagesOfConversation),
  read: mutation(conversations.read, markRead),
  typing: mutation(conversations.typing, setTyping),
})

export const directRouter = router({
  get: query(direct.get, getDirectConversation),
  messages: query(direct.messages, listDirectMessages),
  send: mutation(direct.send, (ctx, { user, ...content }) => {
    requireActor(ctx)
    return sendMessage(ctx, { to: user, ...content })
  }),
})
